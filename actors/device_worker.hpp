#pragma once

#include "actors/device_worker_interface.hpp"
#include "actors/lane_job.hpp"
#include "actors/worker_device.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace posse {

/// Keeps the particles of one device and decides which of them runs where. Two
/// rules make the result independent of lanes and slots: one operation of a
/// particle runs at a time, in the order of arrival; and what a lane computes
/// depends on the particle alone.
class device_worker_state {
public:
  using self_ptr = device_worker_actor::stateful_pointer<device_worker_state>;
  static inline const char* name = "device_worker";

  explicit device_worker_state(self_ptr self) : self_{self} {}
  device_worker_actor::behavior_type
  make_behavior(std::shared_ptr<worker_device> device);

private:
  caf::result<receive_particle_init_ack>
  create(const receive_particle_init_msg& req);
  caf::result<group_update_ack> update_group(const group_update_msg& req);
  caf::result<unpin_ack> unpin(const unpin_msg& req);
  status_ack status() const;
  caf::result<trace_ack> trace(const trace_msg& req) const;

  /// Has a lane do what `msg` asks for.
  template <class Msg>
  auto submit(const Msg& msg);
  /// Places a job on a lane now, or as soon as its leases can be had.
  template <class Ack>
  caf::result<Ack> start(std::shared_ptr<lane_job<Ack>> job);

  expected<std::shared_ptr<const compiled_recipe>>
  recipe_of(const receive_particle_init_msg& req);

  self_ptr self_;
  std::shared_ptr<worker_device> device_;
  std::vector<
      std::pair<particle_recipe, std::shared_ptr<const compiled_recipe>>>
      recipes_;
};

device_worker_actor::behavior_type
device_worker(device_worker_state::self_ptr self,
              std::shared_ptr<worker_device> device);

} // namespace posse
