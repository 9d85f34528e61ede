// A courier and its peer in two processes, on CAF's real wire. The other
// process is forked before anything has threads; see main().
#include "actors/courier.hpp"
#include "actors/system_config.hpp"
#include "messages/caf_errors.hpp"
#include "test/messages/samples.hpp"
#include "test/support/catch.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <catch2/catch_session.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace posse;

namespace {

constexpr const char* host = "127.0.0.1";
constexpr std::chrono::seconds patience{20};

std::uint16_t far_port = 0;

cluster_section network() {
  cluster_section out;
  out.heartbeat_ms = 200;
  out.timeout_ms = 5000;
  return out;
}

courier_options options_of(std::string node) {
  courier_options out;
  out.node = std::move(node);
  // In a run of its own: as between two machines.
  out.shared_memory = std::getenv("POSSE_TEST_BY_NETWORK") == nullptr;
  return out;
}

courier_peers peer(std::string node, caf::strong_actor_ptr courier) {
  return {{{{std::move(node), "another process", std::move(courier)}, {}}}};
}

caf::behavior echo(caf::event_based_actor*, int) {
  return {[](const receive_func_msg& x) { return receive_func_ack{x.args}; }};
}

/// Who lets the first process in: takes its courier, gives its own and the
/// actor that echoes.
caf::behavior door(caf::event_based_actor* self, courier_actor courier,
                   caf::actor echo) {
  return {[=](const courier_address& guest) {
    self->send(courier, peer(guest.node, guest.courier));
    return directory_entry{{4},
                           "b",
                           "cpu:0",
                           caf::actor_cast<caf::strong_actor_ptr>(echo),
                           caf::actor_cast<caf::strong_actor_ptr>(courier)};
  }};
}

/// The other process: prints its port into `out`, ends when it is killed.
[[noreturn]] void serve(int out) {
  const auto here = network();
  system_config config{local_section{}, &here};
  caf::actor_system system{config};
  const auto node = system.spawn(courier, options_of("b"));
  const auto entry = system.spawn(door, node, system.spawn(echo, 0));
  const auto port = system.middleman().publish(entry, 0, host);
  const std::uint16_t number = port ? *port : 0;
  if (::write(out, &number, sizeof number) != sizeof number)
    ::_exit(1);
  for (;;)
    ::pause();
}

/// This process's courier, and an actor of the other one.
struct two_processes {
  cluster_section here = network();
  system_config config{local_section{}, &here};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  courier_actor a = system.spawn(courier, options_of("a"));
  caf::strong_actor_ptr far;

  two_processes() {
    auto entry = system.middleman().remote_actor(host, far_port);
    REQUIRE(entry);
    self->request(
            *entry, patience,
            courier_address{"a", "", caf::actor_cast<caf::strong_actor_ptr>(a)})
        .receive(
            [&](directory_entry& x) {
              far = std::move(x.handle);
              self->send(a, peer("b", std::move(x.worker)));
            },
            [&](const caf::error& why) { FAIL(from_error(why).message); });
  }
  ~two_processes() { self->send_exit(a, caf::exit_reason::user_shutdown); }

  auto ask(const value& x) {
    return self->request(a, patience,
                         parcel<receive_func_msg>{"b", far, {{4}, "ECHO", x}});
  }

  template <class Pending>
  static value taken(Pending& pending) {
    value out;
    pending.receive(
        [&](receive_func_ack& ack) { out = std::move(ack.result); },
        [&](const caf::error& why) { FAIL(from_error(why).message); });
    return out;
  }

  value echoed(const value& x) {
    auto pending = ask(x);
    return taken(pending);
  }
};

/// For all tests, since CAF knows another process by its id: a second system in
/// this one would be taken for the first. Made by the first test that wants it,
/// ended by main(): at exit CAF's own statics may be gone already.
std::unique_ptr<two_processes> both;

two_processes& wire() {
  if (!both)
    both = std::make_unique<two_processes>();
  return *both;
}

/// Hard numbers over and over.
tensor_blob hard_tensor(std::size_t floats) {
  const auto hard = samples::hard_floats();
  std::vector<float> elements(floats);
  for (std::size_t i = 0; i < floats; ++i)
    elements[i] = hard[i % hard.size()];
  return samples::blob(dtype::f32, {static_cast<std::int64_t>(floats)},
                       elements);
}

} // namespace

TEST_CASE("inf, NaN, -0 and subnormals arrive bit for bit", "[actors][wire]") {
  // CAF's own format never ends on infinity: its network thread would answer
  // nothing that comes after.
  for (const auto x : samples::hard_doubles())
    CHECK(wire().echoed(value_list{x, value_dict{{"x", x}}})
          == value{value_list{x, value_dict{{"x", x}}}});
  for (std::size_t floats : {7, 1000, 100'000, 3'000'000}) {
    INFO(floats << " floats");
    const value x = value_list{hard_tensor(floats), hard_tensor(3)};
    CHECK(wire().echoed(x) == x);
  }
  CHECK(wire().echoed(1) == value{1});
}

TEST_CASE("many large requests at once are all answered", "[actors][wire]") {
  // 100 MB each way, beyond what a sender queues.
  const value x = hard_tensor(2'500'000);
  std::vector<decltype(wire().ask(x))> pending;
  for (int i = 0; i < 10; ++i)
    pending.push_back(wire().ask(x));
  for (auto& answer : pending)
    CHECK(two_processes::taken(answer) == x);
}

int main(int argc, char** argv) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return 1;
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    serve(ends[1]);
  }
  ::close(ends[1]);
  if (::read(ends[0], &far_port, sizeof far_port) != sizeof far_port)
    return 1;
  const int failed = Catch::Session().run(argc, argv);
  both.reset();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return failed;
}
