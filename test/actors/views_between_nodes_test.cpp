#include "actors/courier.hpp"
#include "actors/node_event_loop.hpp"
#include "messages/caf_errors.hpp"
#include "messages/type_ids.hpp"
#include "runtime/config/to_toml.hpp"
#include "test/actors/particle_order.hpp"
#include "test/actors/view_behavior.hpp"
#include "test/messages/testing_system.hpp"

#include <caf/all.hpp>

using namespace posse;
using namespace posse::test;

namespace {

/// Two views of a particle of another node that does nothing in between, and
/// one of after a step.
task<value> looks_far(particle& self, value) {
  const auto other = self.other_particles().front();
  const auto first = co_await self.get(other);
  const auto again = co_await self.get(other);
  const std::string msg = "TRAIN";
  const value steps{1};
  co_await self.send(other, msg, steps);
  const auto later = co_await self.get(other);
  value_dict out;
  out["shared"] =
      first.parameters().front().owner() == again.parameters().front().owner();
  out["later is newer"] = later.version() > first.version();
  out["later differs"] = later.parameters() != first.parameters();
  out["buffers"] = static_cast<std::int64_t>(later.buffers().size());
  out["gradients"] = static_cast<std::int64_t>(later.gradients().size());
  co_return out;
}

/// Two nodes with a particle each, 0 on a and 1 on b, and their couriers. In
/// one system: what is written to a wire is a question for the system tests.
struct two_nodes : testing_system {
  small_run files;
  run_config config;
  courier_actor driver;
  std::vector<node_event_loop_actor> nodes;
  std::vector<directory_entry> particles;

  explicit two_nodes(const std::string& device) {
    add_view_behavior("far views", {{"FAR", looks_far}});
    config = config_for_views(
        files, "far views", 2,
        {"local.devices=[\"" + device + "\"]", "local.lanes=1"});
    courier_options of_driver;
    of_driver.node = "driver";
    driver = sys.spawn(courier, of_driver);
    node_evt_loop_init_msg order;
    order.config = to_toml(config);
    order.driver = {"driver", "", handle_of(driver)};
    nel_broadcast_particles_msg directory;
    for (const std::string name : {"a", "b"}) {
      node_options options;
      options.name = name;
      options.resources = config.local;
      options.shared_memory = false;
      nodes.push_back(sys.spawn(node_event_loop, options, driver_actor{}));
      const auto ready = ask<node_evt_loop_init_ack>(nodes.back(), order);
      directory.couriers.push_back({name, "", ready.courier});
      auto wanted = order_for(config);
      wanted.pid = {static_cast<std::uint32_t>(particles.size())};
      wanted.train_key = particles.size();
      particles.push_back(
          ask<receive_particle_init_ack>(nodes.back(), wanted).particle);
    }
    directory.particles = particles;
    for (const auto& node : nodes)
      ask<nel_broadcast_particles_ack>(node, directory);
  }
  ~two_nodes() {
    for (const auto& node : nodes)
      self->send_exit(node, caf::exit_reason::user_shutdown);
    self->send_exit(driver, caf::exit_reason::user_shutdown);
    sched.run();
  }

  template <class Handle>
  static caf::strong_actor_ptr handle_of(const Handle& x) {
    return caf::actor_cast<caf::strong_actor_ptr>(x);
  }

  template <class Ack, class Handle, class Msg>
  Ack ask(const Handle& to, Msg msg) {
    auto pending = self->request(to, caf::infinite, std::move(msg));
    sched.run();
    Ack out;
    pending.receive(
        [&](Ack& ack) { out = std::move(ack); },
        [](const caf::error& why) { FAIL(from_error(why).message); });
    return out;
  }

  value launch(particle_id pid, const std::string& msg, value args = {}) {
    const auto to =
        caf::actor_cast<particle_actor>(particles[pid.number].handle);
    return ask<receive_func_pd_ack>(
               to, receive_func_pd_msg{pid, msg, std::move(args)})
        .result;
  }
};

} // namespace

TEST_CASE("a view of a particle on another node has its buffers and is kept "
          "while it does not change",
          "[actors][view]") {
  two_nodes nodes{GENERATE("cpu:0", "sim:0")};
  CHECK(nodes.launch({0}, "FAR")
        == value{value_dict{{"shared", true},
                            {"later is newer", true},
                            {"later differs", true},
                            {"buffers", 3},
                            {"gradients", 6}}});
}

TEST_CASE("a view of a particle on another node gives its network",
          "[actors][view]") {
  two_nodes nodes{GENERATE("cpu:0", "sim:0")};
  nodes.launch({1}, "TRAIN", 3);
  CHECK(nodes.launch({0}, "COMPARE", some_inputs()) == value{true});
}
