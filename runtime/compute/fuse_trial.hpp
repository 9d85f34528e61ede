#pragma once

#include "messages/failure.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/data/data_set.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace posse {

/// What a step takes on this thread, by two ways to compute it.
struct fuse_trial {
  double one_by_one_us{0}; ///< a particle's step, microseconds
  double together_us{0};   ///< the same in a group
};

/// Takes some steps with new particles on the CPU, in turns, and keeps the
/// shortest times. Nothing of it stays.
///
/// @param particles > 1, those of a lane; no more than largest_group() are
///   tried.
/// @param batch Rows of a step, > 0.
/// @pre can_group() the recipe's network on a CPU.
/// @returns what a step fails with.
expected<fuse_trial> try_groups(std::shared_ptr<const compiled_recipe> recipe,
                                std::shared_ptr<const data_set> data,
                                std::int64_t batch, std::size_t particles);

} // namespace posse
