#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace posse {

/// Shares jobs among threads, the workers, which are numbered from 0.
///
/// Jobs start in the order in which they came, so that none starves. One kind
/// is ahead of that: what a worker's own job hands on is next on this worker,
/// for a conversation of two actors to stay on one core and in its cache. It is
/// not for ever ahead, and another worker without work takes it if it has to
/// wait for a job that goes on.
///
/// A worker without work looks about for some microseconds, since the next job
/// is often near, and then sleeps. If no worker has work, none wakes until one
/// has. Thread-safe.
class run_queue {
public:
  /// @param workers > 0
  explicit run_queue(std::size_t workers);
  run_queue(const run_queue&) = delete;
  run_queue& operator=(const run_queue&) = delete;

  /// Appends a job. For any thread.
  /// @param job Not nullptr; the queue only hands it over.
  void push(void* job);

  /// What worker `worker` is to do next. To be called by itself, from a job.
  void push_next(std::size_t worker, void* job);

  /// The next job of worker `worker`, which calls this; waits for one.
  void* take(std::size_t worker);

  /// Any job that is left, or nullptr. For when no worker takes any more.
  void* take_left();

private:
  /// One a worker, on a cache line of its own.
  struct alignas(64) desk {
    std::atomic<void*> next{nullptr};
    /// Counts what was put into `next`: who looks twice sees whether it is
    /// still the same.
    std::atomic<std::uint32_t> count{0};
    unsigned in_a_row{0}; ///< taken from `next`, since the queue was asked
    std::vector<std::uint32_t> seen; ///< counts of the desks, when it looked
  };

  void* pop();
  void* pop_locked(bool& wake);
  void* take_stale(std::size_t worker);
  void* look_about(std::size_t worker);
  void* sleep(std::size_t worker);

  std::vector<desk> desks_;
  std::mutex mutex_;
  std::condition_variable pushed_;
  std::deque<void*> queue_;               // under mutex_
  std::size_t sleeping_{0};               // likewise
  std::atomic<std::size_t> size_{0};      // of queue_
  std::atomic<std::size_t> searching_{0}; // workers that look about
  std::atomic<std::size_t> idle_{0};      // and those that sleep
};

} // namespace posse
