#pragma once

#include "runtime/compute/particle_work.hpp"

#include <vector>

namespace posse {

/// What the particle remembers of its posterior, as views of its row in its
/// slot, in the order of local_posterior::rows(): flat [P] where there is a
/// tensor for every parameter, else of the row's own shape. After those of a
/// posterior that is trained come its moments, in the optimizer's order.
std::vector<at::Tensor> remembered_rows(seated_particle p);

} // namespace posse
