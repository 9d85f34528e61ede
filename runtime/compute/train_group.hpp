#pragma once

#include "runtime/compute/particle_work.hpp"
#include "runtime/data/batch.hpp"

#include <cstddef>
#include <span>
#include <vector>

/// Operations on several particles of one family at once, as one batched call
/// of each operator: for small networks most of a step's time is spent between
/// the products, not in them. On a CPU; the results agree with those of one by
/// one up to rounding, and do not depend on who else is in the group.
namespace posse {

using seated_particles = std::span<const seated_particle>;

/// Whether particles with this network can be computed together on a device:
/// the network knows its gradients in a group or vmap_unit() knows how, it is
/// small enough for two to gain from it, and rows lie in host memory.
bool can_group(const model_spec& model, c10::Device device);
/// Whether particles of this recipe can: the slopes of a variational posterior
/// are computed one by one.
bool can_group(const particle_recipe& recipe, c10::Device device);

/// The most that are worth it: beyond, their gradients leave the processor's
/// cache.
std::size_t largest_group(const compiled_recipe& recipe);

/// Whether two of them may be in one group: a family, a step, a learning rate.
bool go_together(const particle_entry& a, const particle_entry& b);

/// train_step() of each.
/// @param ps > 0 of them, all of which go_together().
/// @param batches One for all, or one each, with as many rows.
/// @returns one result each, in their order; a particle whose loss is no number
///   fails alone.
std::vector<expected<step_report>> train_group(seated_particles ps,
                                               std::span<const batch> batches);

/// score() of each, likewise.
std::vector<expected<double>> score_group(seated_particles ps,
                                          std::span<const batch> batches);

} // namespace posse
