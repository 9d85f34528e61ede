#pragma once

#include "messages/failure.hpp"
#include "messages/trace_log.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace posse {

/// What one device has recorded, all of it.
struct traced_device {
  std::string node;
  std::string device;
  trace_log log;
};

/// What a run has recorded.
struct run_trace {
  std::string run;                    ///< its name
  std::vector<traced_device> devices; ///< those of a node follow one another
  /// Devices that could not be asked: "NODE DEVICE: why".
  std::vector<std::string> missing;

  std::uint64_t events() const;
  std::uint64_t dropped() const;
};

/// Writes `trace` as Chrome's trace format has it (a JSON object with
/// "traceEvents"), which Perfetto and chrome://tracing open: a process a node,
/// a thread a row. Times are in microseconds since the first node's trace
/// began, by the nodes' wall clocks. What is not in it is told in "otherData".
///
/// @returns errc::io_error; a file that was there is then untouched.
expected<void> write_chrome_trace(const std::filesystem::path& path,
                                  const run_trace& trace);

} // namespace posse
