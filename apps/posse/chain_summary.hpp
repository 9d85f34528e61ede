#pragma once

#include "apps/posse/posterior_answer.hpp"
#include "messages/failure.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>

namespace posse {

/// How far the draws of Markov chains can be relied upon, over the rows of an
/// answer: of a regression, for the mean at each row; of a classification, for
/// the probability of the class that all together predict there. See
/// chain_diagnostics.hpp.
struct chain_summary {
  std::int64_t chains{};
  std::int64_t draws{}; ///< of each
  double r_hat_median{};
  double r_hat_worst{}; ///< infinite where the chains stand still
  double effective_median{};
  double effective_least{};
};

/// @param answer Of chains, one a particle: its draws in their order.
/// @returns nothing where chains have too few draws to tell; errors of
///   diagnose_chains().
expected<std::optional<chain_summary>>
summarize_chains(const posterior_answer& answer);

/// As result.json has it: {"chains", "draws", "r_hat": {"median", "worst"},
/// "effective_draws": {"median", "least"}}; null for what is infinite.
nlohmann::ordered_json to_json(const chain_summary& x);

} // namespace posse
