#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace posse {

/// How several rows become one.
enum class reduction : std::uint8_t { sum, mean };

/// The sum or mean of rows, element by element, in the order given.
///
/// @param rows At least one; each [P], of one floating point dtype, on the CPU.
/// @returns [P], summed in float64 and rounded once to the rows' dtype;
///   errc::invalid_argument for rows that do not fit together.
expected<at::Tensor> reduce_rows(std::span<const at::Tensor> rows,
                                 reduction how);

} // namespace posse
