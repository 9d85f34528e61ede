#pragma once

#include "actors/lane.hpp"
#include "runtime/compute/lane_schedule.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/data/batch_source.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/store/particle_store.hpp"
#include "runtime/store/view_cache.hpp"
#include "runtime/trace/device_trace.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace posse {

/// What a device worker is started with.
struct device_worker_options {
  std::string node{"local"};
  std::string device{"cpu:0"};
  std::size_t lanes{1};   ///< > 0
  particle_recipe recipe; ///< what the run's config says; particles add theirs
  particle_store::options store;
  std::shared_ptr<batch_source> data;
  view_limit views{};               ///< of its particles, that the device keeps
  std::optional<trace_clock> trace; ///< of the node, if the run is traced
  bool fuse{false}; ///< particles compute together where they can
};

/// What a device's worker, its lanes and its particles share: outlives the
/// worker as long as a lane computes.
struct worker_device {
  explicit worker_device(device_worker_options opts);

  device_worker_options options;
  const bool computes_groups; ///< by its options, and its network's nature
  std::unique_ptr<device_trace> trace; ///< null if the run is not traced
  lane_schedule schedule;
  view_cache views{options.views}; ///< of its particles; lanes share it
  /// For a lane that moves a group or the only particle, while the others have
  /// nothing to do.
  helping_threads help{options.lanes - 1};
  /// Of all particles of the run, for the views that particles get.
  const std::shared_ptr<const model_spec> model{
      std::make_shared<const model_spec>(options.recipe.model)};
  /// Set by the worker before it makes the first particle.
  std::vector<lane_actor> lanes;
};

/// `why` with the particle, the device and what was asked in front.
failure in_context(failure why, const worker_device& device, particle_id pid,
                   const char* what);

} // namespace posse
