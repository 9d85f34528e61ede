#include "runtime/core/run_queue.hpp"

#include <cassert>
#include <chrono>
#include <utility>

#ifdef __x86_64__
#include <immintrin.h>
#else
#include <thread>
#endif

namespace posse {

namespace {

using std::chrono::steady_clock;

// After so many jobs that were handed on, the queue's turn has come.
constexpr unsigned most_in_a_row = 16;

// How long a worker looks about: somewhat less than falling asleep and being
// woken takes. Longer costs more than it saves where other processes want the
// core (100 us instead of 20: a request to another node of the machine takes
// 217 instead of 173 us).
constexpr std::chrono::microseconds look_about_for{20};

// One that sleeps while others work looks again so often, lest a job that was
// handed on waits for a long one: a push does wake it.
constexpr std::chrono::milliseconds nap{1};

void pause() {
#ifdef __x86_64__
  for (int i = 0; i < 32; ++i)
    _mm_pause();
#else
  std::this_thread::yield();
#endif
}

} // namespace

run_queue::run_queue(std::size_t workers) : desks_(workers) {
  assert(workers > 0);
  for (auto& each : desks_)
    each.seen.resize(workers);
}

void run_queue::push(void* job) {
  bool wake = false;
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(job);
    size_ = queue_.size();
    wake = sleeping_ > 0 && searching_ == 0;
  }
  if (wake)
    pushed_.notify_one();
}

void run_queue::push_next(std::size_t worker, void* job) {
  auto& own = desks_[worker];
  own.count.fetch_add(1, std::memory_order_relaxed);
  if (auto* before = own.next.exchange(job, std::memory_order_acq_rel))
    push(before);
}

void* run_queue::take(std::size_t worker) {
  auto& own = desks_[worker];
  const auto handed_on = [&]() -> void* {
    return own.next.load(std::memory_order_relaxed) == nullptr
               ? nullptr
               : own.next.exchange(nullptr, std::memory_order_acq_rel);
  };
  if (own.in_a_row < most_in_a_row)
    if (auto* job = handed_on()) {
      ++own.in_a_row;
      return job;
    }
  own.in_a_row = 0;
  if (auto* job = pop())
    return job;
  if (auto* job = handed_on())
    return job;
  idle_.fetch_add(1);
  auto* job = look_about(worker);
  if (job == nullptr)
    job = sleep(worker);
  idle_.fetch_sub(1);
  return job;
}

void* run_queue::pop() {
  if (size_.load(std::memory_order_relaxed) == 0)
    return nullptr;
  bool wake = false;
  void* job = nullptr;
  {
    const std::lock_guard lock{mutex_};
    job = pop_locked(wake);
  }
  if (wake)
    pushed_.notify_one();
  return job;
}

/// @param wake Set to whether somebody has to be woken for what is left.
void* run_queue::pop_locked(bool& wake) {
  if (queue_.empty())
    return nullptr;
  auto* job = queue_.front();
  queue_.pop_front();
  size_ = queue_.size();
  wake = !queue_.empty() && sleeping_ > 0;
  return job;
}

/// A job that was handed on, and was so already when this worker last looked.
void* run_queue::take_stale(std::size_t worker) {
  auto& seen = desks_[worker].seen;
  for (std::size_t i = 0; i < desks_.size(); ++i) {
    auto& other = desks_[i];
    if (i == worker)
      continue;
    const auto count = other.count.load(std::memory_order_relaxed);
    if (std::exchange(seen[i], count) != count)
      continue;
    if (auto* job = other.next.load(std::memory_order_relaxed);
        job != nullptr
        && other.next.compare_exchange_strong(job, nullptr,
                                              std::memory_order_acq_rel))
      return job;
  }
  return nullptr;
}

void* run_queue::look_about(std::size_t worker) {
  searching_.fetch_add(1);
  void* job = nullptr;
  const auto end = steady_clock::now() + look_about_for;
  for (int round = 1; job == nullptr; ++round) {
    pause();
    job = pop();
    if (job == nullptr && round % 4 == 0) {
      job = take_stale(worker);
      if (job == nullptr && steady_clock::now() > end)
        break;
    }
  }
  searching_.fetch_sub(1);
  // Whoever pushed before that relied on this worker.
  if (job != nullptr && size_ > 0)
    pushed_.notify_one();
  return job;
}

void* run_queue::sleep(std::size_t worker) {
  std::unique_lock lock{mutex_};
  for (;;) {
    bool wake = false;
    if (auto* job = pop_locked(wake)) {
      lock.unlock();
      if (wake)
        pushed_.notify_one();
      return job;
    }
    if (auto* job = take_stale(worker))
      return job;
    ++sleeping_;
    if (idle_ == desks_.size())
      pushed_.wait(lock);
    else
      pushed_.wait_for(lock, nap);
    --sleeping_;
  }
}

void* run_queue::take_left() {
  for (auto& each : desks_)
    if (auto* job = each.next.exchange(nullptr))
      return job;
  return pop();
}

} // namespace posse
