#pragma once

#include "messages/failure.hpp"

#include <cuda_runtime_api.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What every file of the CUDA unit needs: errors as values, and a GPU that is
/// current for the length of one call.
namespace posse::cuda {

/// @param what What was asked for: "create a stream".
/// @param gpu The GPU concerned, if it was one.
/// @returns errc::out_of_memory or errc::device_unavailable where CUDA says so,
///   else errc::backend_error, with CUDA's own description at the end.
inline expected<void> checked(cudaError_t status, std::string_view what,
                              std::optional<int> gpu = {}) {
  if (status == cudaSuccess)
    return {};
  // Errors of a call are sticky for cudaGetLastError(), which LibTorch asks.
  (void)cudaGetLastError();
  auto code = errc::backend_error;
  switch (status) {
  case cudaErrorMemoryAllocation:
    code = errc::out_of_memory;
    break;
  case cudaErrorNoDevice:
  case cudaErrorInvalidDevice:
  case cudaErrorInsufficientDriver:
  case cudaErrorStubLibrary:
  case cudaErrorDevicesUnavailable:
    code = errc::device_unavailable;
    break;
  default:
    break;
  }
  std::string why = cudaGetErrorString(status);
  if (status == cudaErrorInsufficientDriver) // also when there is none at all
    why = "no NVIDIA driver, or one older than CUDA "
          + std::to_string(CUDART_VERSION / 1000) + " needs";
  auto subject = gpu ? "cuda:" + std::to_string(*gpu) : std::string{"CUDA"};
  return fail(code, subject + ": could not " + std::string{what} + ": " + why);
}

/// Runs `f` with `gpu` as the thread's current GPU, then restores the former.
///
/// @returns f's `expected`, or why the GPU could not be made current.
template <class F>
auto on_gpu(int gpu, F&& f) -> decltype(f()) {
  int former = 0;
  if (auto ok = checked(cudaGetDevice(&former), "be used", gpu); !ok)
    return fail(std::move(ok));
  if (auto ok = checked(cudaSetDevice(gpu), "be used", gpu); !ok)
    return fail(std::move(ok));
  auto result = std::forward<F>(f)();
  (void)cudaSetDevice(former); // it was current before
  return result;
}

} // namespace posse::cuda
