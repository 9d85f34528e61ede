#pragma once

#include <ATen/core/Tensor.h>

#include <span>

namespace posse {

class slot;

/// The outputs [rows, K] of the network made linear in its parameters theta
/// around those of the slot: f(x; theta) + J(x) moves, with J = d f / d theta
/// there (Immer, Korzepa & Bauer, AISTATS 2021, eq. 8). The product costs about
/// three times what f does: J moves = d/dv (J^T v)^T moves, by autograd twice.
/// On the host, for `x` [rows, ...] on the host, in chunks of evaluation_rows.
/// The caller puts the network in evaluation mode. Throws what LibTorch throws.
///
/// @param moves One tensor a parameter, of its shape, on the slot's device.
at::Tensor linearised_outputs(const slot& seat, const at::Tensor& x,
                              std::span<const at::Tensor> moves);

} // namespace posse
