#pragma once

#include "apps/posse/bench/row.hpp"
#include "messages/failure.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace posse::bench {

/// Long enough that launching costs nothing beside it, short enough for 20
/// repetitions of all systems.
inline constexpr double repetition_us = 75e3;

/// One of the systems that are compared.
struct contender {
  row result; ///< filled in but for the times
  /// Runs one repetition; microseconds a unit of work.
  std::function<expected<double>()> repeat;
};

/// Runs each contender once to warm it up, then all of them in turn,
/// `repetitions` times, so that whatever slows the machine down for a while
/// slows all of them down. Each round starts with another contender. Prints
/// progress to stderr.
///
/// @returns the rows, in the contenders' order; the first failure otherwise.
expected<std::vector<row>> interleave(std::vector<contender> contenders,
                                      std::size_t repetitions);

using clock = std::chrono::steady_clock;

/// Microseconds since `start`.
inline double us_since(clock::time_point start) {
  return std::chrono::duration<double, std::micro>(clock::now() - start)
      .count();
}

} // namespace posse::bench
