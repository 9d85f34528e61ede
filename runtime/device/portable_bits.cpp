#include "runtime/device/portable_bits.hpp"

#include <ATen/Version.h>

#include <cstdlib>

namespace posse {

std::string cpu_capability() {
  return at::get_cpu_capability();
}

expected<void> pin_portable_bits() {
  setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
  setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
  setenv("MKL_ENABLE_INSTRUCTIONS", "AVX2", 1);
  // Asking settles LibTorch's choice, and shows whether it was open still.
  if (auto chosen = cpu_capability(); chosen != "AVX2")
    return fail(errc::device_unavailable,
                "run.portable_bits: expected LibTorch to use AVX2, it uses "
                    + chosen
                    + " (a processor without AVX2, or pinned too late)");
  return {};
}

} // namespace posse
