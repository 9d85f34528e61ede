#pragma once

#include "messages/particle_id.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// Something that took its time on one row of a device's trace.
struct trace_event {
  std::uint32_t row{0};  ///< Index of trace_log::rows.
  std::uint32_t name{0}; ///< Index of trace_log::names.
  particle_id pid{};     ///< The first, or only, of ...
  /// ... so many particles; 0: it was none's.
  std::uint32_t particles{0};
  std::int64_t step{-1}; ///< Its steps when it ended; -1: not noted.
  std::int64_t begin{0}; ///< In nanoseconds since trace_log::started.
  std::int64_t end{0};   ///< Likewise; >= begin.
};

/// What a device has recorded, or a part of it.
struct trace_log {
  std::vector<std::string> rows; ///< The device's lanes, then its copies.
  /// What happened; "{}" stands for the event's particle.
  std::vector<std::string> names;
  std::vector<trace_event> events; ///< As they were noted.
  std::uint64_t total{0};          ///< Events that were kept, in all parts.
  std::uint64_t dropped{0};        ///< Later ones, for which there was no room.
  /// When the trace of the node began, by its wall clock: nanoseconds since
  /// 1970.
  std::int64_t started{0};
};

} // namespace posse
