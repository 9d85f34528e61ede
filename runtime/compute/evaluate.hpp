#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace posse {

class network;
class slot;

/// Rows of one evaluation call. Fixed, since the last bit of a product may
/// depend on how many rows it has: `run` and `predict` must agree.
inline constexpr std::int64_t evaluation_rows = 1024;

/// The raw outputs [rows, K] of `net` for `x` [rows, ...], without autograd, in
/// chunks of at most `evaluation_rows`. The caller puts `net` in evaluation
/// mode. Throws what LibTorch throws.
at::Tensor evaluate(network& net, const at::Tensor& x);

/// The same of a slot's network, on whatever device, for `x` on the host; on
/// the host.
at::Tensor outputs_of(const slot& seat, const at::Tensor& x);

/// Targets as losses take them beside outputs in double: numbers in double,
/// classes as they are.
at::Tensor exact_targets(const at::Tensor& targets);

} // namespace posse
