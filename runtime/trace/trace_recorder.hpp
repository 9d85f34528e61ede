#pragma once

#include "messages/trace_log.hpp"
#include "runtime/core/short_mutex.hpp"
#include "runtime/trace/trace_clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// Keeps what happened on a device, up to a fixed number of events. What comes
/// later is counted, so that nothing is lost in silence. Thread-safe.
class trace_recorder {
public:
  /// Of a device: 10 MiB of them.
  static constexpr std::size_t default_capacity = std::size_t{1} << 18;

  /// @param rows What the rows are called; events name them by index.
  trace_recorder(trace_clock clock, std::vector<std::string> rows,
                 std::size_t capacity = default_capacity);

  /// Nanoseconds since the trace of the node began.
  std::int64_t now() const { return clock_.now(); }

  /// Keeps an event.
  /// @param name Lives as long as the program. The event's own is ignored.
  void add(const char* name, trace_event event);

  /// At most `count` events from the `first` on, and all that goes with them.
  trace_log read(std::uint64_t first, std::size_t count) const;

private:
  std::uint32_t index_of(const char* name);

  const trace_clock clock_;
  const std::vector<std::string> rows_;
  const std::size_t capacity_;
  mutable short_mutex mutex_;
  std::vector<const char*> names_; // few, so that a search costs nothing
  std::vector<trace_event> events_;
  std::uint64_t dropped_{0};
};

} // namespace posse
