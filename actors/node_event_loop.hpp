#pragma once

#include "actors/courier_interface.hpp"
#include "actors/device_worker_interface.hpp"
#include "actors/driver_interface.hpp"
#include "actors/node_event_loop_interface.hpp"
#include "actors/particle_directory.hpp"
#include "actors/run_plan.hpp"
#include "actors/task.hpp"
#include "actors/worker_device.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace posse {

/// What a node is started with, before it knows any run.
struct node_options {
  std::string name{"local"};
  local_section resources; ///< devices, lanes, caches
  /// How long another node may be silent.
  std::chrono::milliseconds patience{10'000};
  /// Whether tensors for a node of the same machine go through shared memory.
  bool shared_memory{true};
};

/// Starts a worker for each device, places particles on them and tells
/// everyone where everyone is.
class node_event_loop_state {
public:
  using self_ptr =
      node_event_loop_actor::stateful_pointer<node_event_loop_state>;
  static inline const char* name = "node_event_loop";

  explicit node_event_loop_state(self_ptr self) : self_{self} {}
  node_event_loop_actor::behavior_type make_behavior(node_options opts,
                                                     driver_actor driver);

private:
  struct device {
    std::shared_ptr<const std::string> name;
    std::shared_ptr<worker_device> shared; ///< with worker, lanes, particles
    device_worker_actor worker;
    std::size_t particles{0};
  };

  caf::result<node_evt_loop_init_ack> init(const node_evt_loop_init_msg& req);
  /// Connects to the peers, then opens what the run needs.
  task<node_evt_loop_init_ack> meet_and_open(node_evt_loop_init_msg req);
  expected<node_evt_loop_init_ack> open(const node_evt_loop_init_msg& req);
  response<caf::strong_actor_ptr> connect(const run_peer& peer);
  caf::result<node_evt_loop_cleanup_ack> cleanup();
  /// Has the run's particles and workers end.
  void end_all();
  nel_broadcast_particles_ack broadcast(const nel_broadcast_particles_msg& req);
  caf::result<receive_particle_init_ack>
  create(const receive_particle_init_msg& req);
  task<receive_particle_init_ack> create_on(std::size_t where,
                                            receive_particle_init_msg req);
  task<node_status_ack> status();
  expected<std::size_t> place(const std::string& device) const;
  void gone(const caf::actor_addr& who);
  void end_cleanup_if_all_ended();

  self_ptr self_;
  node_options options_;
  driver_actor driver_;
  std::shared_ptr<const std::string> node_name_;
  std::optional<run_config> config_;
  bool initializing_{false};
  std::vector<device> devices_;
  std::vector<particle_actor> particles_;
  courier_actor courier_; ///< to the run's other processes; null if none
  std::set<caf::actor_addr> alive_; ///< all that it has started
  bool cleaning_{false};            ///< cleanup waits for them
  std::uint32_t ended_particles_{0};
  caf::typed_response_promise<node_evt_loop_cleanup_ack> cleaned_;
  running_tasks tasks_; // last: its frames refer to all of the above
};

node_event_loop_actor::behavior_type
node_event_loop(node_event_loop_state::self_ptr self, node_options opts,
                driver_actor driver);

} // namespace posse
