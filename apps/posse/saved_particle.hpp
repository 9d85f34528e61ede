#pragma once

#include "messages/failure.hpp"
#include "runtime/checkpoint/particle_record.hpp"
#include "runtime/compute/recipe.hpp"

#include <ATen/core/Tensor.h>

#include <memory>

namespace posse {

/// What is needed of a saved particle's recipe to predict with it: what it was
/// trained by is left out.
/// @returns what compile() fails with.
expected<std::shared_ptr<const compiled_recipe>>
recipe_to_predict(model_spec model, local_posterior_spec posterior);

/// The raw outputs of a particle of a checkpoint, on the CPU, without an actor,
/// as the run that saved it computes them: [B, K], or [draws, B, K].
///
/// @param recipe Of recipe_to_predict().
/// @param inputs [B, ...], encoded.
/// @returns errc::corrupt_checkpoint naming a tensor that is missing or of
///   another shape or dtype; what predict_posterior() fails with.
expected<at::Tensor>
outputs_of_saved(const std::shared_ptr<const compiled_recipe>& recipe,
                 const particle_record& record, const at::Tensor& inputs);

} // namespace posse
