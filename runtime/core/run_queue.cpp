#include "runtime/core/run_queue.hpp"

#include <algorithm>
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

void run_queue::line::push(void* job) {
  const std::lock_guard lock{mutex_};
  jobs_.push_back(job);
  size_ = jobs_.size();
}

void* run_queue::line::pop() {
  if (empty())
    return nullptr;
  const std::lock_guard lock{mutex_};
  if (jobs_.empty())
    return nullptr;
  auto* job = jobs_.front();
  jobs_.pop_front();
  size_ = jobs_.size();
  return job;
}

run_queue::run_queue(std::size_t workers) : desks_(workers) {
  assert(workers > 0);
  for (auto& each : desks_)
    each.seen.resize(workers);
}

void run_queue::push(void* job) {
  arrivals_.push(job);
  wake_one();
}

void run_queue::push_next(std::size_t worker, void* job) {
  auto& own = desks_[worker];
  own.count.fetch_add(1, std::memory_order_relaxed);
  if (auto* before = own.next.exchange(job, std::memory_order_acq_rel)) {
    own.handed_on.push(before);
    wake_one();
  }
}

/// Wakes a worker if one sleeps and none looks about: whoever does finds the
/// job that has just been pushed, or asks again before it falls asleep.
void run_queue::wake_one() {
  if (sleeping_ == 0 || searching_ > 0)
    return;
  // Not between a worker's last look and its sleep.
  { const std::lock_guard lock{mutex_}; }
  pushed_.notify_one();
}

void* run_queue::take(std::size_t worker) {
  auto& own = desks_[worker];
  const auto next = [&]() -> void* {
    return own.next.load(std::memory_order_relaxed) == nullptr
               ? nullptr
               : own.next.exchange(nullptr, std::memory_order_acq_rel);
  };
  if (own.in_a_row < most_in_a_row)
    if (auto* job = next()) {
      ++own.in_a_row;
      return job;
    }
  own.in_a_row = 0;
  if (auto* job = pop(worker))
    return job;
  if (auto* job = next())
    return job;
  ++idle_;
  auto* job = look_about(worker);
  if (job == nullptr)
    job = sleep(worker);
  --idle_;
  // Whoever pushed meanwhile may have relied on this worker.
  if (!is_empty())
    wake_one();
  return job;
}

/// What waits in line: here and outside in turns, then with the others.
void* run_queue::pop(std::size_t worker) {
  auto& own = desks_[worker];
  const bool outside_first = own.turns++ % 2 == 0;
  auto* job = outside_first ? arrivals_.pop() : own.handed_on.pop();
  if (job == nullptr)
    job = outside_first ? own.handed_on.pop() : arrivals_.pop();
  for (std::size_t i = 1; job == nullptr && i < desks_.size(); ++i)
    job = desks_[(worker + i) % desks_.size()].handed_on.pop();
  return job;
}

bool run_queue::is_empty() const {
  return arrivals_.empty() && std::ranges::all_of(desks_, [](const desk& each) {
           return each.handed_on.empty();
         });
}

/// What was handed on last, and was so already when this worker last looked.
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
  ++searching_;
  void* job = nullptr;
  const auto end = steady_clock::now() + look_about_for;
  for (int round = 1; job == nullptr; ++round) {
    pause();
    job = pop(worker);
    if (job == nullptr && round % 4 == 0) {
      job = take_stale(worker);
      if (job == nullptr && steady_clock::now() > end)
        break;
    }
  }
  --searching_;
  return job;
}

void* run_queue::sleep(std::size_t worker) {
  std::unique_lock lock{mutex_};
  ++sleeping_; // before the last look: who pushes after it sees this
  void* job = nullptr;
  while ((job = pop(worker)) == nullptr
         && (job = take_stale(worker)) == nullptr) {
    if (idle_ == desks_.size())
      pushed_.wait(lock);
    else
      pushed_.wait_for(lock, nap);
  }
  --sleeping_;
  return job;
}

void* run_queue::take_left() {
  for (auto& each : desks_)
    if (auto* job = each.next.exchange(nullptr))
      return job;
  return pop(0);
}

} // namespace posse
