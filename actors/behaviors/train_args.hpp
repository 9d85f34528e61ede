#pragma once

#include "messages/batch_ref.hpp"
#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "messages/value.hpp"

#include <cstdint>

namespace posse {

/// How long a particle trains and on which batches; the arguments of "TRAIN".
struct train_args {
  std::int64_t steps{1};             ///< optimizer steps in all, > 0
  std::int64_t batches_per_epoch{1}; ///< > 0
  std::int64_t validate_every{0};    ///< steps; 0: never
  bool bootstrap{false};             ///< each particle draws its own epochs
  std::int64_t cycle{0};    ///< steps of a cycle; 0: the whole run is one
  std::int64_t burn_in{0};  ///< steps of a cycle before its first collection
  std::int64_t thinning{0}; ///< steps from one collection to the next; 0: none

  /// The batch of step `step` (0-based), for particle `pid`.
  batch_ref batch(std::int64_t step, particle_id pid) const;
  /// True if the validation part is to be measured after `done` steps.
  bool validates_after(std::int64_t done) const;
  /// True if the parameters after `done` > 0 steps are part of the posterior.
  bool collects_after(std::int64_t done) const;
  /// How often that is.
  std::int64_t collections() const;
  /// True if what the particles are like after `done` steps is worth a line of
  /// the log: the last step, and at most 100 others, 25 apart at least.
  bool logs_after(std::int64_t done) const;
};

value_dict to_dict(const train_args& x);
/// @returns errc::invalid_argument naming what is missing or out of range.
expected<train_args> train_args_from_value(const value& x);

/// A batch of the training part as an argument.
value to_value(const batch_ref& x);
/// @returns errc::invalid_argument naming what is missing or out of range.
expected<batch_ref> batch_ref_from_value(const value& x);

} // namespace posse
