#include "runtime/device/cuda/checked.cuh"
#include "runtime/device/cuda/gpus.hpp"

namespace posse::cuda {

bool unit_built() noexcept {
  return true;
}

expected<std::vector<gpu_info>> list_gpus() {
  int count = 0;
  if (auto ok = checked(cudaGetDeviceCount(&count), "list the GPUs"); !ok)
    return fail(std::move(ok));
  std::vector<gpu_info> gpus;
  for (int gpu = 0; gpu < count; ++gpu) {
    cudaDeviceProp properties{};
    if (auto ok = checked(cudaGetDeviceProperties(&properties, gpu),
                          "read the properties of a GPU", gpu);
        !ok)
      return fail(std::move(ok));
    auto memory = gpu_memory(gpu);
    if (!memory)
      return fail(std::move(memory));
    gpus.push_back({.index = gpu,
                    .name = properties.name,
                    .memory = *memory,
                    .multiprocessors = properties.multiProcessorCount,
                    .compute_major = properties.major,
                    .compute_minor = properties.minor});
  }
  return gpus;
}

expected<memory_info> gpu_memory(int gpu) {
  return on_gpu(gpu, [gpu]() -> expected<memory_info> {
    std::size_t free_bytes = 0;
    std::size_t total_bytes = 0;
    if (auto ok = checked(cudaMemGetInfo(&free_bytes, &total_bytes),
                          "ask for the free memory", gpu);
        !ok)
      return fail(std::move(ok));
    return memory_info{.total_bytes = static_cast<std::int64_t>(total_bytes),
                       .free_bytes = static_cast<std::int64_t>(free_bytes)};
  });
}

} // namespace posse::cuda
