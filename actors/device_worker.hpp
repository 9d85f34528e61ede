#pragma once

#include "actors/device_worker_interface.hpp"
#include "actors/lane.hpp"
#include "actors/lane_job.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/data/batch_source.hpp"
#include "runtime/store/particle_store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
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
};

/// What worker and lanes share: outlives the worker as long as a lane computes.
struct worker_device {
  device_worker_options options;
  particle_store store;
};

/// Keeps the particles of one device and decides which of them runs where. Two
/// rules make the result independent of lanes and slots: one operation of a
/// particle runs at a time, in the order of arrival; and what a lane computes
/// depends on the particle alone.
class device_worker_state {
public:
  using self_ptr = device_worker_actor::stateful_pointer<device_worker_state>;
  static inline const char* name = "device_worker";

  explicit device_worker_state(self_ptr self) : self_{self} {}
  device_worker_actor::behavior_type make_behavior(device_worker_options opts);

private:
  /// An operation that waits for its particles or for a slot.
  struct waiting_operation {
    std::vector<particle_id> pids;
    /// Tries to lease what the operation needs, or says why it can never be.
    std::function<expected<acquisition>()> acquire;
    std::function<void(std::vector<lease>)> start;
    std::function<void(failure)> refuse;
  };
  using acquire_function = std::function<expected<acquisition>()>;

  caf::result<receive_particle_init_ack>
  create(const receive_particle_init_msg& req);
  caf::result<group_update_ack> update_group(const group_update_msg& req);
  caf::result<gather_rows_ack> gather(const gather_rows_msg& req);
  caf::result<ascend_ack> ascend_rows(const ascend_msg& req);
  caf::result<pin_ack> pin(const pin_msg& req);
  caf::result<unpin_ack> unpin(const unpin_msg& req);
  status_ack status() const;
  void finished(const lane_done& done);

  /// Runs `work` on a particle in its slot.
  template <class Ack, class Work>
  caf::result<Ack> on_particle(particle_id pid, const char* what, Work work);
  /// Runs `work` on particles where they lie.
  template <class Ack, class Work>
  caf::result<Ack> on_rows(std::vector<particle_id> pids, const char* what,
                           Work work);
  /// Places a job on a lane now, or as soon as its leases can be had.
  template <class Ack>
  caf::result<Ack> submit(std::vector<particle_id> pids,
                          acquire_function acquire,
                          std::shared_ptr<lane_job<Ack>> job);

  std::size_t least_loaded() const;
  void start_waiting();
  expected<std::shared_ptr<const compiled_recipe>>
  recipe_of(const receive_particle_init_msg& req);

  self_ptr self_;
  std::shared_ptr<worker_device> device_;
  std::vector<lane_actor> lanes_;
  std::vector<std::size_t> load_; ///< jobs given to each lane and not done
  std::list<waiting_operation> waiting_;
  std::unordered_map<particle_id, std::size_t> waiting_for_; ///< of waiting_
  std::vector<
      std::pair<particle_recipe, std::shared_ptr<const compiled_recipe>>>
      recipes_;
};

device_worker_actor::behavior_type
device_worker(device_worker_state::self_ptr self, device_worker_options opts);

} // namespace posse
