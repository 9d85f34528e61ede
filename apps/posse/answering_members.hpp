#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

namespace posse {

/// A particle of a run, and why it does not predict, if it does not.
struct member_state {
  particle_id pid;
  std::optional<std::string> diverged;
};

/// The particles of a run that predict. One whose numbers are none is named and
/// left out; the others are the ensemble.
struct answering_members {
  std::vector<member_state> states; ///< of all, in the order of add()
  /// Raw outputs of those that predict, in that order: [B, K] or [draws, B, K].
  std::vector<at::Tensor> outputs;

  /// @returns other failures than errc::non_finite.
  expected<void> add(particle_id pid, expected<at::Tensor> raw);

  /// @returns errc::non_finite, saying why the first does not, if none
  /// predicts.
  expected<void> check() const;

  /// A line for each that is left out, to be shown as a warning.
  std::vector<std::string> warnings() const;
};

} // namespace posse
