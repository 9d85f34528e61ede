#pragma once

#include "actors/push_distribution.hpp"
#include "apps/posse/progress_bar.hpp"
#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace posse {

/// What happens around training. All are called by the thread that trains.
struct training_hooks {
  /// Whether the user wants the run to end.
  std::function<bool()> interrupted;
  /// Called about ten times a second.
  std::function<void(const run_progress&)> show;
  /// Called with what handlers gave, each time that all have ended: before a
  /// checkpoint, and at the end.
  std::function<void(const std::vector<value>&)> heard;
  /// Writes a checkpoint; no handler runs meanwhile.
  std::function<expected<void>()> checkpoint;
};

struct training_outcome {
  bool finished{false}; ///< false: interrupted at a consistent point
  /// What the handlers launched gave, by pid; of a led algorithm the leader's.
  std::vector<value> results;
};

/// Runs the plan's entry on all particles, or on the leader, until they are
/// trained or `interrupted`. Every `checkpoint_every` seconds (0: never) they
/// are paused for a checkpoint; going on from their cursors, they end with the
/// same bits.
///
/// @param steps_before Steps that each particle had done before, of a resumed
///   run.
/// @returns the first failure, by pid, after all others have ended too.
expected<training_outcome>
train(push_distribution& run, double checkpoint_every,
      const std::map<particle_id, std::int64_t>& steps_before,
      const training_hooks& hooks);

} // namespace posse
