#pragma once

#include <cstdint>
#include <functional>

namespace posse {

/// The time of a node's trace: all of its devices share one.
struct trace_clock {
  std::function<std::int64_t()> now; ///< nanoseconds since it started
  std::int64_t started{0}; ///< nanoseconds since 1970, by the wall clock

  /// Starts now. Runs by the steady clock from there on.
  static trace_clock start();
};

} // namespace posse
