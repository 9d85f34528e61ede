#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"

#include <ATen/core/Tensor.h>

namespace posse {

/// The tensor as it travels, without its history. Shares its memory if that is
/// contiguous on the CPU, and keeps it alive: then nobody may write to the
/// tensor afterwards (clone() one that will change, such as a parameter).
/// Else copied.
///
/// @returns errc::invalid_argument for an undefined or sparse tensor or a
///   dtype that does not travel (complex, quantized, ...); errc::out_of_memory.
[[nodiscard]] expected<tensor_blob> to_blob(const at::Tensor& tensor);

/// The blob as a CPU tensor. Shares its bytes, and keeps them alive, unless
/// they lie so that a CPU could not read them as elements; must not be written
/// to either way.
///
/// Kernels may differ in the last bit with the alignment of what they read: a
/// computation that must not depend on where the bytes came from copies them.
[[nodiscard]] expected<at::Tensor> to_tensor(const tensor_blob& blob);

} // namespace posse
