#pragma once

#include "runtime/model/model_spec.hpp"

#include <cstdint>

namespace posse {

/// Parts of a lone particle's batches. Always as many, so that the bits do not
/// depend on who computes them: two threads gain most of what there is to gain
/// with small batches.
inline constexpr std::int64_t parts_of_a_batch = 2;

/// Whether a batch may be computed in parts: the network cuts its layers, or
/// treats the rows of a batch apart.
bool can_part(const model_spec& model);

} // namespace posse
