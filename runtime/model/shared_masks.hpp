#pragma once

#include "runtime/model/network.hpp"

#include <ATen/core/Generator.h>

namespace posse {

/// forward(), with what a network draws drawn once for all rows: where units
/// are dropped, one thinned network computes every row. Each row is a batch of
/// its own in functorch's vmap; row by row if the network has no batched form.
///
/// @param x [B, inputs...], B > 0, as for network::forward().
/// @param numbers Of the CPU; left as it is, so that equal states give the same
///   thinned network, in calls for other rows, too. On a GPU, whose operators
///   do not take it, they seed a generator there.
/// @returns [B, K], on the device of `x`.
/// @throws what LibTorch throws; on a GPU c10::Error for a network without a
///   batched form, since dropout outside of a vmap takes no generator there.
at::Tensor forward_with_shared_masks(network& net, const at::Tensor& x,
                                     const at::Generator& numbers);

} // namespace posse
