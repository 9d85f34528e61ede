#include "runtime/trace/copy_trace.hpp"

#include <c10/core/Event.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace posse {

namespace {

// CUDA tells the time between two events as a float of milliseconds: the longer
// it is, the coarser.
constexpr std::int64_t anchor_nanoseconds = 1'000'000'000;

// The thread may lose its core in the middle of one.
constexpr int anchor_tries = 3;

c10::Event timed_event(const c10::Stream& stream) {
  c10::Event out{stream.device_type(), c10::EventFlag::BACKEND_DEFAULT};
  out.record(stream);
  return out;
}

} // namespace

struct copy_trace::anchor {
  c10::Event event;
  std::int64_t host; ///< when it happened, by the recorder's clock

  std::int64_t host_time_of(const c10::Event& later) const {
    return host + static_cast<std::int64_t>(event.elapsedTime(later) * 1e6);
  }
};

copy_trace::copy_trace(trace_recorder& to, std::uint32_t row)
    : to_{to}, row_{row} {}

copy_trace::~copy_trace() = default;

copy_trace::swap::swap(copy_trace* trace, const c10::Stream& stream)
    : trace_{trace}, stream_{stream} {
  if (trace_ == nullptr)
    return;
  lock_ = std::unique_lock{trace_->mutex_};
  trace_->collect_locked();
  trace_->take_anchor(stream_);
}

void copy_trace::swap::begin() {
  if (trace_ != nullptr)
    last_ = std::make_shared<c10::Event>(timed_event(stream_));
}

void copy_trace::swap::copied(const char* name, particle_id pid) {
  if (trace_ == nullptr)
    return;
  auto after = std::make_shared<c10::Event>(timed_event(stream_));
  trace_->queued_.push_back(
      {name, pid, std::exchange(last_, after), after, trace_->origin_});
}

void copy_trace::collect() {
  const std::lock_guard lock{mutex_};
  collect_locked();
}

/// Renews the anchor now and then, when the stream has nothing to do: it costs
/// waiting for it.
void copy_trace::take_anchor(const c10::Stream& stream) {
  if (origin_
      && (to_.now() - origin_->host < anchor_nanoseconds || !stream.query()))
    return;
  auto narrowest = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < anchor_tries; ++i) {
    const auto began = to_.now();
    auto event = timed_event(stream);
    event.synchronize();
    const auto took = to_.now() - began;
    if (took >= narrowest)
      continue;
    narrowest = took;
    origin_ = std::make_shared<const anchor>(
        anchor{std::move(event), began + took / 2});
  }
}

void copy_trace::collect_locked() {
  while (!queued_.empty() && queued_.front().after->query()) {
    const auto& copy = queued_.front();
    // Two anchors may differ by a little: copies of a stream never overlap.
    const auto begin =
        std::max(copy.origin->host_time_of(*copy.before), last_end_);
    last_end_ = std::max(copy.origin->host_time_of(*copy.after), begin);
    to_.add(copy.name, {.row = row_,
                        .pid = copy.pid,
                        .particles = 1,
                        .begin = begin,
                        .end = last_end_});
    queued_.pop_front();
  }
}

} // namespace posse
