// Linked with posse's main(): the program on a machine with two simulated
// accelerators, sim:0 and sim:1.
#include "test/support/simulated_device.hpp"

#include <cstdlib>

namespace {

/// A number from the environment; 0 without one.
double number(const char* name) {
  const auto* text = std::getenv(name);
  return text == nullptr ? 0 : std::strtod(text, nullptr);
}

// Before main(): autograd counts devices at the first backward pass.
const bool registered = [] {
  posse::test::simulated_options each;
  each.copy_bytes_per_second = number("POSSE_SIM_COPY_BYTES_PER_SECOND");
  each.kernel_seconds = number("POSSE_SIM_KERNEL_SECONDS");
  if (const auto limit = number("POSSE_SIM_LIMIT_BYTES"); limit > 0)
    each.limit_bytes = static_cast<std::size_t>(limit);
  posse::test::register_simulated_devices(2, each);
  return true;
}();

} // namespace
