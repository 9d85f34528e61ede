#include "runtime/device/helping_threads.hpp"

#include "runtime/device/compute_thread.hpp"

#include <chrono>
#include <exception>

namespace posse {

namespace {

thread_local helping_threads* help_of_this_thread = nullptr;

} // namespace

struct helping_threads::shared_work {
  std::size_t parts;
  const std::function<void(std::size_t)>& work;
  std::atomic<std::size_t> next{0};
  std::exception_ptr thrown{}; ///< guarded by the mutex

  /// @returns what a part threw.
  std::exception_ptr take_parts() noexcept {
    std::exception_ptr out;
    for (auto part = next++; part < parts; part = next++) {
      try {
        work(part);
      } catch (...) {
        out = std::current_exception();
      }
    }
    return out;
  }
};

helping_threads::~helping_threads() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  news_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void helping_threads::wake() {
  if (count_ == 0)
    return;
  {
    const std::lock_guard lock{mutex_};
    ++scopes_;
    threads_.reserve(count_);
    while (threads_.size() < count_)
      threads_.emplace_back([this] { help(); });
  }
  news_.notify_all();
}

void helping_threads::let_sleep() {
  if (count_ > 0)
    --scopes_;
}

void helping_threads::share(std::size_t parts,
                            const std::function<void(std::size_t)>& work) {
  shared_work mine{parts, work};
  bool helped = false;
  if (count_ > 0 && parts > 1) {
    const std::lock_guard lock{mutex_};
    if (current_ == nullptr && helping_ == 0) {
      current_ = &mine;
      ++round_;
      helped = true;
    }
  }
  auto thrown = mine.take_parts();
  if (helped) {
    {
      const std::lock_guard lock{mutex_};
      current_ = nullptr; // nobody comes any more
    }
    while (helping_ > 0) // no longer than a part takes
      std::this_thread::yield();
    if (mine.thrown)
      thrown = mine.thrown;
  }
  if (thrown)
    std::rethrow_exception(thrown);
}

bool helping_threads::take_part(std::uint64_t& seen) {
  if (round_ == seen)
    return false;
  shared_work* theirs = nullptr;
  {
    const std::lock_guard lock{mutex_};
    seen = round_;
    theirs = current_;
    if (theirs != nullptr)
      ++helping_;
  }
  if (theirs == nullptr)
    return true; // it is done
  if (auto thrown = theirs->take_parts()) {
    const std::lock_guard lock{mutex_};
    theirs->thrown = thrown;
  }
  --helping_; // the last that is done with `theirs`
  return true;
}

void helping_threads::help() {
  using clock = std::chrono::steady_clock;
  // What lies between two steps of one particle, some times over.
  constexpr std::chrono::microseconds awake_for{100};
  prepare_compute_thread();
  std::uint64_t seen = 0;
  while (!ending_) {
    for (auto last = clock::now(); clock::now() - last < awake_for;) {
      if (take_part(seen) || scopes_ > 0)
        last = clock::now();
      std::this_thread::yield();
      if (ending_)
        return;
    }
    std::unique_lock lock{mutex_};
    news_.wait(lock, [this] { return wanted(); });
  }
}

help_scope::help_scope(helping_threads& help)
    : help_{help}, before_{help_of_this_thread} {
  help_.wake();
  help_of_this_thread = &help_;
}

help_scope::~help_scope() {
  help_of_this_thread = before_;
  help_.let_sleep();
}

void share_work(std::size_t parts,
                const std::function<void(std::size_t)>& work) {
  if (help_of_this_thread != nullptr)
    help_of_this_thread->share(parts, work);
  else
    for (std::size_t part = 0; part < parts; ++part)
      work(part);
}

} // namespace posse
