#include "actors/node_event_loop.hpp"
#include "messages/caf_errors.hpp"
#include "messages/type_ids.hpp"
#include "runtime/config/to_toml.hpp"
#include "test/actors/particle_order.hpp"
#include "test/actors/small_run.hpp"
#include "test/messages/testing_system.hpp"
#include "test/support/catch.hpp"

#include <caf/all.hpp>

using namespace posse;

namespace {

/// A node in a run of one particle, which is still to be made.
struct ready_node : testing_system {
  test::small_run files;
  run_config config{files.config("deep_ensemble", 1, 1)};
  node_event_loop_actor node;

  ready_node() {
    node = sys.spawn(
        node_event_loop,
        node_options{"a", config.local, std::chrono::milliseconds{1000}},
        driver_actor{});
    auto ready =
        self->request(node, caf::infinite,
                      node_evt_loop_init_msg{to_toml(config), {}, {}, {}, {}});
    sched.run();
    ready.receive([](const node_evt_loop_init_ack&) {},
                  [](const caf::error& why) { FAIL(from_error(why).message); });
  }
  ~ready_node() {
    self->send_exit(node, caf::exit_reason::user_shutdown);
    sched.run();
  }

  template <class Msg>
  auto ask(Msg msg) {
    return self->request(node, caf::infinite, std::move(msg));
  }
};

} // namespace

TEST_CASE_METHOD(ready_node, "a run may end while a particle is being made",
                 "[actors][node_event_loop]") {
  // In turns: the node asks its worker, which makes the particle; the node
  // hears of the end, and only then of the particle.
  auto made = ask(test::order_for(config));
  auto ended = ask(node_evt_loop_cleanup_msg{});
  sched.run();
  made.receive(
      [](const receive_particle_init_ack&) { FAIL("the run has ended"); },
      [](const caf::error& why) {
        CHECK(from_error(why).code == errc::cancelled);
        CHECK(from_error(why).message
              == "node a: the run ended before particle 0 began");
      });
  ended.receive(
      [](const node_evt_loop_cleanup_ack& x) { CHECK(x.particles == 0); },
      [](const caf::error& why) { FAIL(from_error(why).message); });
}

TEST_CASE_METHOD(ready_node,
                 "a particle that has ended by itself does not hold up the end",
                 "[actors][node_event_loop]") {
  auto made = ask(test::order_for(config));
  sched.run();
  caf::strong_actor_ptr particle;
  made.receive(
      [&](const receive_particle_init_ack& x) { particle = x.particle.handle; },
      [](const caf::error& why) { FAIL(from_error(why).message); });
  self->send_exit(caf::actor_cast<caf::actor>(particle),
                  caf::exit_reason::kill);
  sched.run();

  auto ended = ask(node_evt_loop_cleanup_msg{});
  sched.run();
  ended.receive(
      [](const node_evt_loop_cleanup_ack& x) { CHECK(x.particles == 1); },
      [](const caf::error& why) { FAIL(from_error(why).message); });
}
