#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>

namespace posse::test {

/// An uninitialized tensor on a simulated device.
at::Tensor empty_on(c10::Device device, at::IntArrayRef sizes,
                    at::IntArrayRef strides, at::ScalarType type);

/// Gives `storage`, of a simulated device, `bytes` bytes if it has fewer; what
/// it holds moves along.
void grow(const c10::Storage& storage, std::size_t bytes);

/// The same bytes as host memory, for kernels and copies. It keeps the
/// device's storage alive, and may grow on the host without changing it.
c10::Storage host_storage(const c10::Storage& storage);

/// `tensor` as the host sees it in `storage`, which is host_storage() of its
/// own.
at::Tensor host_view(const at::Tensor& tensor, const c10::Storage& storage);
inline at::Tensor host_view(const at::Tensor& tensor) {
  return host_view(tensor, host_storage(tensor.storage()));
}

} // namespace posse::test
