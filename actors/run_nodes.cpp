#include "actors/run_nodes.hpp"

#include "actors/node_loss.hpp"
#include "actors/one_answer.hpp"
#include "actors/own_hello.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/placement/chosen_nodes.hpp"

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <memory>
#include <set>
#include <thread>
#include <unistd.h>

namespace posse {

namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

// A daemon that has just been started listens within milliseconds.
constexpr milliseconds first_pause{20};
constexpr milliseconds longest_pause{500};
// A dial that meets a heartbeat's tick is dropped by CAF, and one to a frozen
// process never ends: it is given up and tried again.
constexpr milliseconds one_dial{2000};
// A node that is still ending the run before.
constexpr milliseconds hello_patience{8000};

std::string place_of(const node_entry& node) {
  return "node " + node.name + " at " + node.host + ":"
         + std::to_string(node.port);
}

using attached = one_answer<attach_ack>;

/// Says hello to a gate and ends. CAF leaves a request to a process that has
/// just ended without an answer: that is why the gate is monitored.
void greet(caf::event_based_actor* self, const node_gate_actor& gate,
           const attach_msg& msg, const failure& lost,
           const std::shared_ptr<attached>& answer) {
  self->monitor(gate);
  self->set_down_handler([=](const caf::down_msg&) {
    answer->set(tl::unexpected<failure>{lost});
    self->quit();
  });
  self->request(gate, hello_patience, msg)
      .then(
          [=](attach_ack& x) {
            answer->set(std::move(x));
            self->quit();
          },
          [=](const caf::error& why) {
            answer->set(tl::unexpected<failure>{
                why == caf::sec::request_timeout
                    ? failure{errc::timed_out,
                              "no answer to the hello in "
                                  + std::to_string(hello_patience.count())
                                  + " ms; is it still ending another run?"}
                    : from_error(why)});
            self->quit();
          });
}

expected<attach_ack> say_hello(caf::actor_system& system,
                               const node_gate_actor& gate, hello from,
                               const driver_actor& driver,
                               const failure& lost) {
  auto answer = std::make_shared<attached>();
  system.spawn(
      greet, gate,
      attach_msg{std::move(from),
                 "the driver with process id " + std::to_string(getpid()),
                 caf::actor_cast<caf::strong_actor_ptr>(driver)},
      lost, answer);
  return answer->wait();
}

} // namespace

expected<node_gate_actor> dial(caf::actor_system& system,
                               const node_entry& node, milliseconds patience) {
  caf::scoped_actor self{system};
  const auto until = clock::now() + patience;
  auto pause = first_pause;
  for (;;) {
    caf::strong_actor_ptr found;
    self->request(system.middleman().actor_handle(), one_dial,
                  caf::connect_atom::value, node.host,
                  static_cast<std::uint16_t>(node.port))
        .receive([&](const caf::node_id&, caf::strong_actor_ptr& who,
                     const std::set<std::string>&) { found = who; },
                 [](const caf::error&) {});
    if (found)
      return caf::actor_cast<node_gate_actor>(found);
    if (clock::now() + pause >= until)
      return fail(errc::timed_out,
                  place_of(node)
                      + ": nobody answers; start it with: posse node start "
                        "--config FILE --name "
                      + node.name);
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, longest_pause);
  }
}

expected<std::vector<run_node>>
attach_nodes(caf::actor_system& system, const cluster_config& cluster,
             const std::vector<std::string>& chosen,
             const driver_actor& driver) {
  std::vector<run_node> out;
  for (const auto& node : cluster.nodes) {
    if (!takes_node(chosen, node.name))
      continue;
    auto gate = dial(system, node, milliseconds{cluster.cluster.timeout_ms});
    if (!gate)
      return fail(std::move(gate));
    auto from = own_hello(cluster, node.name);
    if (!from)
      return fail(std::move(from));
    const auto lost =
        node_loss(node.name, node.host + ":" + std::to_string(node.port), {});
    auto met = say_hello(system, *gate, std::move(*from), driver, lost);
    if (!met && met.error().code == errc::node_lost)
      return fail(std::move(met));
    if (!met)
      return fail(met.error().code,
                  place_of(node) + ": " + met.error().message);
    out.push_back({node.name,
                   node.host,
                   static_cast<std::uint16_t>(node.port),
                   caf::actor_cast<node_event_loop_actor>(met->node),
                   {},
                   {}});
  }
  return out;
}

} // namespace posse
