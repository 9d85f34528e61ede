#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The unit that talks to the CUDA runtime itself, where LibTorch offers no
/// interface: what nvcc compiles (Meson's feature `cuda`). A program built
/// without it has the same functions; they answer errc::device_unavailable,
/// "posse was built without CUDA".
namespace posse::cuda {

struct memory_info {
  std::int64_t total_bytes{0};
  std::int64_t free_bytes{0}; ///< when it was asked
};

struct gpu_info {
  int index{0};
  std::string name;
  memory_info memory;
  int multiprocessors{0};
  int compute_major{0}; ///< compute capability, e.g. 9.0
  int compute_minor{0};
};

/// Whether this program holds the unit.
bool unit_built() noexcept;

/// The GPUs that the driver shows to this process, by index; never empty.
///
/// @returns errc::device_unavailable without driver, GPU or unit.
expected<std::vector<gpu_info>> list_gpus();

/// @returns errc::device_unavailable if there is no such GPU.
expected<memory_info> gpu_memory(int gpu);

} // namespace posse::cuda
