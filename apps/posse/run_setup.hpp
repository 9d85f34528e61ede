#pragma once

#include "actors/push_distribution.hpp"
#include "apps/posse/checkpoint_io.hpp"
#include "apps/posse/result_json.hpp"
#include "apps/posse/run_session.hpp"
#include "messages/failure.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <map>
#include <memory>

namespace posse {

/// All that a run needs before its first step.
struct run_setup {
  run_config config;
  run_directory directory; ///< created and locked
  std::shared_ptr<const data_set> data;
  std::unique_ptr<push_distribution> particles; ///< created, or restored
  run_timing before; ///< spent by the processes that a resumed run goes on from
  std::map<particle_id, std::int64_t> steps_before;
};

/// Loads the config and the data, starts the devices and makes the particles,
/// or brings them back from the checkpoint. The RUN_DIR is made last, or, on a
/// resume, locked before its checkpoint is read: whatever is wrong with the
/// user's input, nothing has been written.
///
/// @returns what is wrong, in one line.
expected<run_setup> prepare(const run_options& options);

/// What the manifest of the run's checkpoints says.
checkpoint_info describe_checkpoint(const run_setup& setup,
                                    const saved_state& state,
                                    const run_timing& timing);

} // namespace posse
