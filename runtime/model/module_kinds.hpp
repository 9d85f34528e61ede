#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace posse {

class network;

/// Whether a module of `net` drops units while it trains; a call of
/// at::dropout() in forward() is not seen.
bool has_dropout(const network& net);

/// Whether a module of `net` has running statistics of batches.
bool has_batch_statistics(const network& net);

/// Drops units in forward(), as in training, with everything else as in
/// evaluation; until train() is called again.
void drop_units(network& net);

/// Replaces the running statistics by those of the batches on which `forward`
/// calls net.forward(): their plain average (cumulative, momentum none). `net`
/// is in evaluation mode afterwards.
void estimate_batch_statistics(network& net,
                               const std::function<void()>& forward);

} // namespace posse
