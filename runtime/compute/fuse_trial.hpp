#pragma once

#include "messages/failure.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/data/data_set.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace posse {

/// What a particle's step takes, microseconds, by two ways to compute it.
struct fuse_trial {
  double plain_us{0}; ///< by itself, with one thread
  double fused_us{0}; ///< in a group, or in parts
};

/// Takes some steps with new particles on the CPU, in turns, on this thread,
/// one by one and in a group, and keeps the shortest times. Nothing of it
/// stays.
///
/// @param particles > 1, those of a lane; no more than largest_group() are
///   tried, and fewer where a step takes milliseconds.
/// @param batch Rows of a step, > 0.
/// @pre can_group() the recipe's network on a CPU.
/// @returns what a step fails with.
expected<fuse_trial> try_groups(std::shared_ptr<const compiled_recipe> recipe,
                                std::shared_ptr<const data_set> data,
                                std::int64_t batch, std::size_t particles);

/// The same with one particle whose batches are computed as a whole or in the
/// parts that its recipe says, with as many threads as there are lanes.
///
/// @param lanes > 0.
expected<fuse_trial> try_parts(std::shared_ptr<const compiled_recipe> recipe,
                               std::shared_ptr<const data_set> data,
                               std::int64_t batch, std::size_t lanes);

} // namespace posse
