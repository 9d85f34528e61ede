#pragma once

#include "runtime/core/short_mutex.hpp"

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
/// Jobs start in the order in which they came, so that none starves: those that
/// come from outside in one queue for all, and those that a worker's own jobs
/// hand on in a queue of this worker, from which the others take what they can
/// when they have nothing else. The last one handed on is ahead of that: it is
/// next on this worker, for a conversation of two actors to stay on one core
/// and in its cache. It is not for ever ahead, and another worker without work
/// takes it if it has to wait for a job that goes on.
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
  /// First come, first served. Asking an empty one takes no lock.
  class line {
  public:
    void push(void* job);
    void* pop();
    bool empty() const noexcept { return size_ == 0; }

  private:
    short_mutex mutex_;
    std::deque<void*> jobs_;
    std::atomic<std::size_t> size_{0};
  };

  /// One a worker, on cache lines of its own.
  struct alignas(64) desk {
    std::atomic<void*> next{nullptr};
    /// Counts what was put into `next`: who looks twice sees whether it is
    /// still the same.
    std::atomic<std::uint32_t> count{0};
    line handed_on;                  ///< what was in `next` before
    unsigned in_a_row{0};            ///< taken from `next` alone
    unsigned turns{0};               ///< taken from elsewhere
    std::vector<std::uint32_t> seen; ///< counts of the desks, when it looked
  };

  void* pop(std::size_t worker);
  void* take_stale(std::size_t worker);
  void* look_about(std::size_t worker);
  void* sleep(std::size_t worker);
  bool is_empty() const;
  void wake_one();

  std::vector<desk> desks_;
  line arrivals_;                         // from outside
  std::atomic<std::size_t> searching_{0}; // workers that look about
  std::atomic<std::size_t> idle_{0};      // and those that sleep
  std::atomic<std::size_t> sleeping_{0};  // changed under mutex_
  std::mutex mutex_;                      // to fall asleep, and to wake
  std::condition_variable pushed_;
};

} // namespace posse
