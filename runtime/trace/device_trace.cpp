#include "runtime/trace/device_trace.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace posse {

namespace {

std::vector<std::string> rows_of(const std::string& device, std::size_t lanes,
                                 bool accelerator) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < lanes; ++i)
    out.push_back(device + " lane " + std::to_string(i));
  if (accelerator)
    out.push_back(device + " copies");
  return out;
}

} // namespace

device_trace::device_trace(const trace_clock& clock, const std::string& device,
                           std::size_t lanes, bool accelerator)
    : events{clock, rows_of(device, lanes, accelerator)},
      copies{events, static_cast<std::uint32_t>(lanes)} {}

} // namespace posse
