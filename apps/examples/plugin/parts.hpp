#pragma once

#include <actors/behavior.hpp>
#include <actors/plugin.hpp>
#include <runtime/model/loss.hpp>
#include <runtime/model/network.hpp>

/// A model, a loss and a behaviour: what a plugin and a program share.
namespace gossip {

/// A perceptron with sines between its layers (SIREN: Sitzmann, Martel et al.,
/// NeurIPS 2020, eq. 5). Deviation from the paper: weights start as LibTorch's
/// do, and no layer has a frequency of its own.
posse::expected<std::shared_ptr<posse::network>>
make_sine_network(const posse::model_spec& spec);

/// The mean CRPS of Gaussians (Gneiting and Raftery, JASA 2007, eq. 21), which
/// far points pull less than the log likelihood.
posse::loss_entry crps_loss();

/// Gossip averaging (Boyd, Ghosh, Prabhakar and Shah, IEEE Transactions on
/// Information Theory 2006): particles train by themselves, and every 50 steps
/// neighbours become the mean of both. Two particles thus end as equals.
/// Deviation from the paper: who meets whom is fixed, not drawn.
///
/// Particle 0 leads. Handlers:
/// - "GOSSIP" with `train_args`: to the end, or until paused; gives {steps,
///   finished, loss}.
/// - "TRAIN" with `train_args`: steps from the cursor to `steps`.
/// - "EXCHANGE" with a neighbour's number: becomes the mean of both.
/// - "ADOPT" with a list of tensors: takes them as its parameters.
/// - "FINISH": marks the particle as trained.
posse::behavior gossip();

/// All of them, by the names that gossip.toml uses.
inline void add_parts(posse::plugin_parts& parts) {
  parts.add_model("sine", make_sine_network);
  parts.add_loss("crps", crps_loss());
  parts.add_behavior("gossip", gossip());
}

} // namespace gossip
