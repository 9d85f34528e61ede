#pragma once

#include "runtime/model/network.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace posse {

/// What group_gradients() does, of any network, by its unmodified forward():
/// functorch's vmap takes rows of stacked parameters and buffers for the
/// network's own. Throws c10::Error where the network does what has no batched
/// form: what follows from a number that it read, or writes a particle's
/// numbers to what all share; and for a parameter that gets no gradient.
///
/// @param net One of the networks; its own tensors are not read.
/// @param parameters, x, generators, slopes, gradients As of
///   network::group_gradients().
/// @param buffers One tensor [N, shape...] a buffer, in buffers()' order,
///   contiguous: written to as forward() writes to the network's own.
void vmapped_gradients(network& net, std::span<const at::Tensor> parameters,
                       std::span<const at::Tensor> buffers, const at::Tensor& x,
                       std::span<const at::Generator> generators,
                       network::output_slopes slopes,
                       std::span<const at::Tensor> gradients);

/// Whether that gives what each network computes alone, and how to get bits
/// that do not depend on who else is there: tried with a few small batches of
/// such networks, in training mode, on the CPU.
///
/// What ATen computes by vectors has its last few elements computed one by one,
/// by another formula; where these lie depends on the number of networks.
///
/// @param most Networks that a group may have, > 1.
/// @returns the number of which a group has to be a multiple, <= `most`; none
///   if there is no such number or the results differ, as they do for networks
///   with a parameter that gets no gradient. Remembered for each model and
///   `most`.
std::optional<std::int64_t> vmap_unit(const model_spec& model,
                                      std::int64_t most);

} // namespace posse
