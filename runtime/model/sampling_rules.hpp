#pragma once

#include "runtime/model/optimizer.hpp"

#include <memory>

/// Steps of stochastic gradient Markov chain Monte Carlo. With N training rows
/// and the temperature T they sample exp(-U / T), U = N * (mean loss + weight
/// decay |theta|^2 / 2) the posterior's potential. The papers' step sizes
/// belong to U; here a learning rate belongs to its mean, as for every other
/// rule, and the noise has the variance optimizer_step gives, T / N.
namespace posse {

/// Stochastic gradient Langevin dynamics (Welling and Teh, ICML 2011, eq. 4):
///   theta <- theta - lr g + sqrt(2 lr T / N) z,   z ~ N(0, 1),
/// with lr = epsilon N / 2 of the paper's epsilon. No Metropolis test: the
/// stationary distribution is that of the discretised chain.
expected<std::unique_ptr<optimizer_rule>> make_sgld(const optimizer_spec& spec);

/// Preconditioned SGLD (Li, Chen, Carlson and Carin, AAAI 2016, algorithm 1),
/// without its term Gamma, as in the paper's own experiments:
///   V <- a V + (1 - a) g^2,   G = 1 / (lambda + sqrt(V)),
///   theta <- theta - lr G g + sqrt(2 lr G T / N) z.
/// a is the spec's beta2, 0.99 by default, and lambda its eps, 1e-5. The
/// paper's V leaves the prior out of g; here it is in it. V starts as the first
/// step's g^2, not as 0, which would make that step a leap.
expected<std::unique_ptr<optimizer_rule>>
make_psgld(const optimizer_spec& spec);

/// Stochastic gradient Hamiltonian Monte Carlo (Chen, Fox and Guestrin, ICML
/// 2014, eq. 15, without an estimate of the gradients' noise):
///   v <- (1 - alpha) v - lr g + sqrt(2 alpha lr T / N) z,   theta <- theta +
///   v,
/// with 1 - alpha the spec's momentum.
expected<std::unique_ptr<optimizer_rule>>
make_sghmc(const optimizer_spec& spec);

} // namespace posse
