#include "runtime/device/cuda/checked.cuh"
#include "runtime/device/cuda/pinned_memory.hpp"

namespace posse::cuda {

expected<pinned_memory> pinned_memory::pin(std::span<std::byte> bytes) {
  if (bytes.empty())
    return fail(errc::invalid_argument,
                "pin memory: expected at least one byte, got none");
  if (auto ok = checked(cudaHostRegister(bytes.data(), bytes.size(),
                                         cudaHostRegisterPortable),
                        "pin " + std::to_string(bytes.size())
                            + " bytes of host memory");
      !ok)
    return fail(std::move(ok));
  return pinned_memory{bytes.size(), handle{bytes.data(), [](void* x) {
                                              (void)cudaHostUnregister(x);
                                            }}};
}

} // namespace posse::cuda
