#pragma once

#include "runtime/compute/particle_work.hpp"
#include "runtime/data/data_set.hpp"

#include <cstdint>

namespace posse {

/// How a chain of Hamiltonian Monte Carlo goes.
struct hmc_settings {
  std::int64_t leapfrogs{20}; ///< of a trajectory on average, > 0
  double wanted{0.8};         ///< share of proposals to accept, in (0, 1)
  std::int64_t adaptation{0}; ///< transitions in which the step size adapts
};

struct hmc_report {
  double accepted{};   ///< the proposal's probability of being accepted
  double step_size{};  ///< of the trajectory
  double potential{};  ///< U of where the chain is now, nats
  bool diverged{};     ///< the trajectory left the energy's level for good
  std::int64_t step{}; ///< transitions of the chain so far
};

/// One transition of Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011,
/// section 5.3.2) with the posterior's full potential
///   U = N (mean loss + weight decay |theta|^2 / 2) / T
/// over all rows of the training part, a unit mass matrix, and leapfrog steps
/// whose number is drawn evenly from 1 to 2 leapfrogs - 1, so that no
/// trajectory returns to where it began. A proposal whose energy is off by more
/// than 1000 nats, or no number, is rejected. Energies are summed in double.
/// The step size starts at the recipe's learning rate and adapts, see
/// dual_averaging.hpp, as long as settings say.
///
/// The next one depends on the particle's parameters, generator and adaptation
/// alone. If it fails the parameters are what they were.
///
/// @returns errc::invalid_argument for a network with dropout or statistics of
///   batches, whose potential is not a function of its parameters;
///   errc::non_finite if the chain stands where U is no number.
expected<hmc_report> hmc_transition(seated_particle p, const data_set& data,
                                    const hmc_settings& settings);

} // namespace posse
