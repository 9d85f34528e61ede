#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace posse {

/// `x` as a contiguous float64 tensor on the CPU: what the posterior's
/// arithmetic works on.
///
/// @param what Names the tensor in messages: "means".
/// @param shape Its shape; -1 fits any size > 0.
/// @returns errc::invalid_argument for another shape or a type that is not
///   floating point; errc::non_finite naming the first NaN or infinity's place.
expected<at::Tensor> checked_real(std::string_view what, const at::Tensor& x,
                                  const std::vector<std::int64_t>& shape);

/// The same for class numbers: a contiguous int64 tensor on the CPU.
/// @returns errc::invalid_argument for another shape or dtype, or naming the
///   first label outside [0, classes).
expected<at::Tensor> checked_labels(std::string_view what, const at::Tensor& x,
                                    std::int64_t rows, std::int64_t classes);

} // namespace posse
