#pragma once

#include "messages/failure.hpp"
#include "runtime/model/loss.hpp"
#include "runtime/model/model_spec.hpp"
#include "runtime/model/optimizer.hpp"
#include "runtime/model/prior.hpp"
#include "runtime/model/schedule.hpp"
#include "runtime/posterior/local_posterior.hpp"
#include "runtime/store/particle_layout.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace posse {

/// What a particle is made of, by names that every node knows.
struct particle_recipe {
  model_spec model;
  std::string loss{"nll"};
  optimizer_spec optimizer;
  std::string schedule{"constant"}; ///< of the learning rate
  std::int64_t total_steps{1};      ///< over which the schedule runs, > 0
  std::int64_t cycles{1};           ///< times it starts anew, > 0
  /// Of the posterior that a rule with noise samples, or that is variational,
  /// >= 0. With 0 it descends.
  double temperature{1};
  /// Steps at the start of each cycle without noise: its exploration (Zhang et
  /// al., ICLR 2020).
  std::int64_t quiet_steps{0};
  prior weights_prior;
  bool gradient_row{false}; ///< the algorithm exchanges scores
  bool keep_best{false};    ///< remembers the best validation step
  local_posterior_spec posterior;
  /// Into which a step's batch is cut, on a CPU, for threads to share: > 0.
  std::int64_t batch_parts{1};

  friend bool operator==(const particle_recipe&,
                         const particle_recipe&) = default;
};

/// A recipe with its names looked up; shared by all particles made of it.
struct compiled_recipe {
  particle_recipe source;
  std::int64_t train_rows{1};
  head_kind head{head_kind::point};
  loss_entry loss;      ///< what training minimises
  loss_fn scoring_rule; ///< what validation compares: nll, or mse for `point`
  schedule_fn schedule{nullptr};
  std::shared_ptr<const optimizer_rule> optimizer;
  /// How it draws the networks that it predicts with; nullptr: it is one.
  std::shared_ptr<const local_posterior> posterior;
  particle_layout layout;
};

/// Looks up every name and lays out the rows.
///
/// @param train_rows N of the log posterior (N/B) sum log likelihood + log
///   prior; > 0.
/// @returns errc::unknown_name for a name no registry holds, or
///   errc::invalid_argument for a model that cannot be built.
expected<std::shared_ptr<const compiled_recipe>>
compile(const particle_recipe& source, std::int64_t train_rows);

} // namespace posse
