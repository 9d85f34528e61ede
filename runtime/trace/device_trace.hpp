#pragma once

#include "runtime/trace/copy_trace.hpp"
#include "runtime/trace/trace_recorder.hpp"

#include <cstddef>
#include <string>

namespace posse {

/// The trace of one device: a row a lane, and one for the copies to and from
/// an accelerator.
struct device_trace {
  /// @param device What the rows are called after: "cpu:0".
  /// @param accelerator Whether copies run beside lanes.
  device_trace(const trace_clock& clock, const std::string& device,
               std::size_t lanes, bool accelerator);

  trace_recorder events;
  copy_trace copies;
};

} // namespace posse
