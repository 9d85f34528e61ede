#pragma once

#include "runtime/model/network.hpp"

namespace posse {

/// A randomised prior function (Osband, Aslanides & Cassirer, NeurIPS 2018,
/// algorithm 1): f(x; theta) + prior_scale p(x), of which f is trained and p, a
/// network of the same kind and in evaluation mode, stays as it is made. It is
/// added to what predicts: point outputs, means and logits, not to variances.
///
/// Parameters are f's, by f's names; all tensors of p are buffers, before whose
/// names stands "prior.": they travel and are saved with the particle. f draws
/// its first values before p does, as it would without it.
///
/// It tells no last layer: its outputs are not f's.
///
/// @param spec As make_network() has checked it, with prior_scale > 0.
/// @param factory Of the kind.
/// @throws c10::Error if f has a module or buffer "prior" itself.
expected<std::shared_ptr<network>>
make_with_random_prior(const model_spec& spec, const network_factory& factory);

} // namespace posse
