#pragma once

#include "messages/failure.hpp"
#include "runtime/device/cuda/handle.hpp"

#include <cstddef>
#include <span>

namespace posse::cuda {

/// Keeps a piece of host memory in place for as long as it lives, so that GPUs
/// copy from and to it at full speed and beside other work. Does not own the
/// memory, which has to outlive it.
class pinned_memory {
public:
  /// Pins `bytes` for all GPUs; costs about a millisecond for 10 MiB.
  ///
  /// @param bytes Not empty, not pinned yet, in whole pages at best: CUDA pins
  ///   pages, and two objects may not share one.
  /// @returns errc::invalid_argument for no bytes, errc::device_unavailable
  ///   without GPU or unit, errc::out_of_memory over the system's limit.
  static expected<pinned_memory> pin(std::span<std::byte> bytes);

  std::size_t size_bytes() const noexcept { return size_bytes_; }

private:
  pinned_memory(std::size_t size_bytes, handle owned)
      : size_bytes_{size_bytes}, handle_{std::move(owned)} {}

  std::size_t size_bytes_;
  handle handle_;
};

} // namespace posse::cuda
