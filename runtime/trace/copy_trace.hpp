#pragma once

#include "messages/particle_id.hpp"
#include "runtime/trace/trace_recorder.hpp"

#include <c10/core/Stream.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace c10 {
struct Event;
}

namespace posse {

/// Finds out when copies that a stream was given really ran there: by events
/// of the stream before and after each. Thread-safe.
class copy_trace {
public:
  /// @param row Of `to`, for the stream's copies.
  copy_trace(trace_recorder& to, std::uint32_t row);
  copy_trace(const copy_trace&) = delete;
  copy_trace& operator=(const copy_trace&) = delete;
  ~copy_trace();

  /// The copies of one swap, while a thread queues them; those of other swaps
  /// wait, so that none get in between. Throws what LibTorch does.
  class swap {
  public:
    /// @param trace nullptr: nothing is traced.
    swap(copy_trace* trace, const c10::Stream& stream);

    /// The stream has been given all that comes before the first copy.
    void begin();
    /// It has been given a copy.
    /// @param name Lives as long as the program.
    void copied(const char* name, particle_id pid);

  private:
    copy_trace* trace_;
    c10::Stream stream_;
    std::unique_lock<std::mutex> lock_;
    std::shared_ptr<c10::Event> last_; ///< what the next copy comes after
  };

  /// Records those that have ended, in the stream's order. Does not wait.
  void collect();

private:
  /// A moment by both clocks.
  struct anchor;

  struct queued_copy {
    const char* name;
    particle_id pid;
    std::shared_ptr<c10::Event> before;
    std::shared_ptr<c10::Event> after;
    std::shared_ptr<const anchor> origin;
  };

  void take_anchor(const c10::Stream& stream);
  void collect_locked();

  trace_recorder& to_;
  std::uint32_t row_;
  std::mutex mutex_;
  std::shared_ptr<const anchor> origin_;
  std::deque<queued_copy> queued_;
  std::int64_t last_end_{0};
};

} // namespace posse
