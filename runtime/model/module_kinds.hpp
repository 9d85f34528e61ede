#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>

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

/// Replaces the running statistics by those of batches: averages that weigh
/// each by its rows, and no batch of a single row, which has no variance. `net`
/// is left in training mode.
///
/// @param visit Calls what it is given with each batch [rows, ...], on the
///   parameters' device.
void estimate_batch_statistics(
    network& net,
    c10::function_ref<void(c10::function_ref<void(const at::Tensor&)>)> visit);

} // namespace posse
