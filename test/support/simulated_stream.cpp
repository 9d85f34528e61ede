#include "test/support/simulated_stream.hpp"

#include <utility>

namespace posse::test {

void simulated_stream::enqueue(work piece) {
  std::unique_lock lock{mutex_};
  if (closed_) {
    lock.unlock();
    run(piece);
    return;
  }
  if (!thread_.joinable())
    thread_ = std::thread{[this] { serve(); }};
  queue_.push_back({next_++, std::move(piece)});
  changed_.notify_all();
}

void simulated_stream::run(const work& piece) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this, turn = next_++] { return may_start(turn); });
  lock.unlock();
  // The turn ends even if the piece throws.
  struct turn_end {
    simulated_stream* stream;
    ~turn_end() { stream->finish_turn(); }
  } const end{this};
  piece();
}

bool simulated_stream::idle() const {
  const std::lock_guard lock{mutex_};
  return now_ == next_;
}

bool simulated_stream::ready() const {
  const std::lock_guard lock{mutex_};
  return may_start(next_);
}

void simulated_stream::synchronize() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this, all = next_] { return now_ >= all; });
}

void simulated_stream::hold() {
  const std::lock_guard lock{mutex_};
  ++holds_;
}

void simulated_stream::let_go() {
  const std::lock_guard lock{mutex_};
  --holds_;
  changed_.notify_all();
}

void simulated_stream::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  changed_.notify_all();
}

void simulated_stream::stop() {
  close();
  std::unique_lock lock{mutex_};
  auto thread = std::move(thread_);
  lock.unlock();
  if (thread.joinable())
    thread.join();
}

void simulated_stream::serve() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] {
      return queue_.empty() ? closed_ : may_start(queue_.front().turn);
    });
    if (queue_.empty())
      return;
    auto piece = std::move(queue_.front().piece);
    queue_.pop_front();
    lock.unlock();
    piece();
    piece = nullptr; // who waits for it finds freed what it kept alive
    finish_turn();
    lock.lock();
  }
}

void simulated_stream::finish_turn() {
  const std::lock_guard lock{mutex_};
  ++now_;
  changed_.notify_all();
}

void simulated_event::record(simulated_stream& stream) {
  std::unique_lock lock{mutex_};
  const auto version = ++recorded_;
  lock.unlock();
  if (stream.ready())
    mark(version);
  else
    stream.enqueue(
        [self = shared_from_this(), version] { self->mark(version); });
}

void simulated_event::block(simulated_stream& stream) {
  std::unique_lock lock{mutex_};
  const auto version = recorded_;
  if (done_ >= version)
    return;
  lock.unlock();
  stream.enqueue(
      [self = shared_from_this(), version] { self->wait_for(version); });
}

bool simulated_event::done() const {
  const std::lock_guard lock{mutex_};
  return done_ >= recorded_;
}

void simulated_event::synchronize() const {
  std::unique_lock lock{mutex_};
  const auto version = recorded_;
  lock.unlock();
  wait_for(version);
}

std::chrono::steady_clock::time_point simulated_event::time() const {
  const std::lock_guard lock{mutex_};
  return time_;
}

void simulated_event::mark(std::uint64_t version) {
  const std::lock_guard lock{mutex_};
  // Versions on different streams may be done in any order.
  if (version > done_) {
    done_ = version;
    time_ = std::chrono::steady_clock::now();
  }
  changed_.notify_all();
}

void simulated_event::wait_for(std::uint64_t version) const {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this, version] { return done_ >= version; });
}

} // namespace posse::test
