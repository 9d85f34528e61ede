#include "actors/courier.hpp"
#include "messages/caf_errors.hpp"
#include "messages/type_ids.hpp"
#include "test/messages/samples.hpp"
#include "test/messages/testing_system.hpp"
#include "test/support/catch.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{1000};

/// An actor of another node.
struct far_particle {
  using handle = caf::typed_actor<
      caf::replies_to<receive_func_msg>::with<receive_func_ack>,
      caf::replies_to<receive_get_msg>::with<receive_get_ack>>;

  struct state {
    std::vector<receive_func_msg> asked;
    std::vector<receive_get_msg> views_asked;
    receive_get_ack view;
    bool silent{false}; ///< keeps requests without an answer
    std::vector<caf::typed_response_promise<receive_func_ack>> kept;
  };
};

far_particle::handle::behavior_type
particle_of(far_particle::handle::stateful_pointer<far_particle::state> self,
            far_particle::state* s) {
  return {
      [self, s](const receive_func_msg& x) -> caf::result<receive_func_ack> {
        s->asked.push_back(x);
        if (x.msg == "RELEASE")
          for (auto& promise : s->kept)
            promise.deliver(receive_func_ack{value{"done"}});
        else if (s->silent) {
          s->kept.push_back(self->make_response_promise<receive_func_ack>());
          return s->kept.back();
        }
        if (x.msg == "FAIL")
          return to_error({errc::non_finite, "the loss is NaN"});
        return receive_func_ack{x.args};
      },
      [s](const receive_get_msg& x) {
        s->views_asked.push_back(x);
        if (x.known_version == s->view.version)
          return receive_get_ack{{}, {}, x.known_version, true};
        return s->view;
      },
  };
}

tensor_blob big_tensor(std::size_t floats) {
  std::vector<float> elements(floats);
  for (std::size_t i = 0; i < floats; ++i)
    elements[i] = static_cast<float>(i % 1000);
  const auto hard = samples::hard_floats();
  std::copy_n(hard.begin(), std::min(hard.size(), floats), elements.begin());
  return samples::blob(dtype::f32, {static_cast<std::int64_t>(floats)},
                       elements);
}

/// Two couriers, of nodes a and b, and an actor of b. In one system, where
/// nothing is written to a wire: that is what the system tests are for.
struct two_nodes : testing_system {
  courier_actor a;
  courier_actor b;
  far_particle::state far;
  far_particle::handle particle;

  explicit two_nodes(transfer_limits limits = {}, bool shared_memory = true,
                     view_limit views = {}) {
    auto of_a = options("a", limits, shared_memory);
    of_a.views = views;
    a = sys.spawn(courier, of_a);
    b = sys.spawn(courier, options("b", limits, shared_memory));
    particle = sys.spawn(particle_of, &far);
    introduce(a, "b", b);
    introduce(b, "a", a);
    run();
  }
  ~two_nodes() {
    for (const auto& courier : {a, b})
      self->send_exit(courier, caf::exit_reason::kill);
    self->send_exit(particle, caf::exit_reason::kill);
    run();
  }

  static courier_options options(std::string node, transfer_limits limits,
                                 bool shared_memory) {
    courier_options out;
    out.node = std::move(node);
    out.patience = patience;
    out.limits = limits;
    out.shared_memory = shared_memory;
    return out;
  }

  void introduce(const courier_actor& to, std::string node,
                 const courier_actor& peer) {
    self->send(to,
               courier_peers{{{{node, "host:1",
                                caf::actor_cast<caf::strong_actor_ptr>(peer)},
                               {{4}, {7}}}}});
  }

  void run() { sched.run(); }

  void wait(milliseconds time) {
    sched.advance_time(time + milliseconds{1});
    run();
  }

  template <class Msg>
  auto ask(Msg msg, std::string node = "b") {
    return self->request(
        a, caf::infinite,
        parcel<Msg>{std::move(node),
                    caf::actor_cast<caf::strong_actor_ptr>(particle),
                    std::move(msg)});
  }

  carried_request request_of_kind(std::uint16_t kind) {
    return {99, caf::actor_cast<caf::strong_actor_ptr>(particle), kind, {}, 0};
  }

  /// Sends `msg` to `to` as if `from` had.
  template <class Msg>
  static void forge(const courier_actor& from, const courier_actor& to,
                    Msg msg) {
    caf::actor_cast<caf::abstract_actor*>(to)->eq_impl(
        caf::make_message_id(), caf::actor_cast<caf::strong_actor_ptr>(from),
        nullptr, std::move(msg));
  }

  /// What `a`'s request for `msg` comes to.
  template <class Ack, class Msg>
  expected<Ack> answer_to(Msg msg) {
    auto pending = ask(std::move(msg));
    run();
    return take<Ack>(pending);
  }

  template <class Ack, class Pending>
  static expected<Ack> take(Pending& pending) {
    expected<Ack> out{tl::unexpected<failure>{failure{}}};
    pending.receive([&](Ack& x) { out = std::move(x); },
                    [&](caf::error& why) {
                      out = tl::unexpected<failure>{from_error(why)};
                    });
    return out;
  }
};

receive_func_msg call(std::string msg, value args) {
  return {{4}, std::move(msg), std::move(args)};
}

} // namespace

TEST_CASE_METHOD(two_nodes, "D11: a request is answered by the actor it is for",
                 "[actors][courier]") {
  const value args = value_dict{{"x", samples::hard_doubles()[2]}, {"n", 3}};
  auto ack = answer_to<receive_func_ack>(call("ECHO", args));
  REQUIRE(ack);
  CHECK(ack->result == args);
  REQUIRE(far.asked.size() == 1);
  CHECK(far.asked[0].msg == "ECHO");
}

TEST_CASE_METHOD(two_nodes, "a request's failure comes back as it was",
                 "[actors][courier]") {
  auto ack = answer_to<receive_func_ack>(call("FAIL", {}));
  REQUIRE_FALSE(ack);
  CHECK(ack.error() == failure{errc::non_finite, "the loss is NaN"});
}

TEST_CASE("large tensors arrive bit for bit, both ways", "[actors][courier]") {
  two_nodes nodes{{}, GENERATE(true, false)};
  // More than a window of chunks.
  const value args =
      value_dict{{"big", big_tensor(3'000'000)}, {"small", big_tensor(10)}};
  auto ack = nodes.answer_to<receive_func_ack>(call("ECHO", args));
  REQUIRE(ack);
  CHECK(ack->result == args);
  REQUIRE(nodes.far.asked.size() == 1);
  CHECK(nodes.far.asked[0].args == args);
}

TEST_CASE("requests wait for room and are all answered", "[actors][courier]") {
  // Room for one of these payloads and little more.
  two_nodes nodes{{.chunk_bytes = 10'000,
                   .window = 2,
                   .max_transfer_bytes = 1'000'000,
                   .open_transfers = 2,
                   .open_bytes = 1'000'000,
                   .queued_bytes = 100'000,
                   .queued_transfers = 4},
                  GENERATE(true, false)};
  std::vector<decltype(nodes.ask(call("", {})))> pending;
  for (int i = 0; i < 20; ++i)
    pending.push_back(
        nodes.ask(call(std::to_string(i), value_list{i, big_tensor(50'000)})));
  nodes.run();
  for (int i = 0; i < 20; ++i) {
    auto ack = two_nodes::take<receive_func_ack>(pending[i]);
    REQUIRE(ack);
    CHECK(ack->result == value{value_list{i, big_tensor(50'000)}});
  }
}

TEST_CASE("a payload over the limit fails its request alone",
          "[actors][courier]") {
  transfer_limits limits;
  limits.max_transfer_bytes = 200'000;
  two_nodes nodes{limits};
  auto refused =
      nodes.answer_to<receive_func_ack>(call("ECHO", big_tensor(100'000)));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("expected a payload of 1 to 200000 bytes"));
  CHECK(nodes.far.asked.empty());
  CHECK(nodes.answer_to<receive_func_ack>(call("ECHO", big_tensor(40'000))));
}

TEST_CASE_METHOD(two_nodes, "a view that has not changed is not sent again",
                 "[actors][courier]") {
  far.view = {{big_tensor(100'000)}, {big_tensor(5)}, 7, false, {}};
  far.view.buffers = value_dict{{"mean", big_tensor(6)}};
  auto first = answer_to<receive_get_ack>(receive_get_msg{{1}, {4}});
  auto again = answer_to<receive_get_ack>(receive_get_msg{{1}, {4}});
  REQUIRE(first);
  REQUIRE(again);
  CHECK(again->params == first->params);
  // Not only equal: the same bytes.
  CHECK(again->params[0].owner() == first->params[0].owner());
  CHECK(again->params_grad == far.view.params_grad);
  CHECK(first->buffers == far.view.buffers);
  CHECK(again->buffers == far.view.buffers);
  REQUIRE(far.views_asked.size() == 2);
  CHECK(far.views_asked[0].known_version == receive_get_msg::no_version);
  CHECK(far.views_asked[1].known_version == 7);

  far.view.version = 8;
  far.view.params = {big_tensor(3)};
  auto changed = answer_to<receive_get_ack>(receive_get_msg{{1}, {4}});
  REQUIRE(changed);
  CHECK(changed->params == far.view.params);
}

TEST_CASE("a courier keeps as many views as it is told", "[actors][courier]") {
  const std::uint64_t views = GENERATE(1, 2);
  two_nodes nodes{{}, true, {.views = views}};
  nodes.far.view = {{big_tensor(5)}, {}, 7, false, value_dict{}};
  for (std::uint32_t pid : {4U, 5U, 4U})
    REQUIRE(nodes.answer_to<receive_get_ack>(receive_get_msg{{1}, {pid}}));
  REQUIRE(nodes.far.views_asked.size() == 3);
  CHECK(nodes.far.views_asked[2].known_version
        == (views == 2 ? 7 : receive_get_msg::no_version));
}

TEST_CASE_METHOD(two_nodes, "a lost node fails what is open and what comes",
                 "[actors][courier]") {
  far.silent = true;
  auto open = ask(call("TRAIN", {}));
  run();
  self->send_exit(b, caf::exit_reason::kill);
  run();
  auto ack = take<receive_func_ack>(open);
  REQUIRE_FALSE(ack);
  CHECK(ack.error().code == errc::node_lost);
  CHECK(ack.error().message
        == "node b at host:1 was lost: its process ended or was silent for too "
           "long; it had the particles 4, 7");
  CHECK(answer_to<receive_func_ack>(call("ECHO", {})).error().code
        == errc::node_lost);
}

TEST_CASE_METHOD(two_nodes, "a node that nobody knows is an error",
                 "[actors][courier]") {
  auto pending = self->request(
      a, caf::infinite,
      parcel<receive_func_msg>{
          "c", caf::actor_cast<caf::strong_actor_ptr>(particle), {}});
  run();
  CHECK_THAT(take<receive_func_ack>(pending).error().message,
             ContainsSubstring("does not know a node \"c\""));
}

TEST_CASE_METHOD(two_nodes, "a courier that ends answers what it still owes",
                 "[actors][courier]") {
  far.silent = true;
  auto open = ask(call("TRAIN", {}));
  run();
  self->send_exit(a, caf::exit_reason::user_shutdown);
  run();
  CHECK(take<receive_func_ack>(open).error().code == errc::actor_down);
}

TEST_CASE_METHOD(two_nodes, "strangers are not served", "[actors][courier]") {
  self->send(b, request_of_kind(caf::type_id<receive_func_msg>::value));
  run();
  CHECK(far.asked.empty());
  auto question = self->request(b, caf::infinite, still_open_msg{{1}});
  run();
  question.receive([](const still_open_ack&) { FAIL("a stranger was served"); },
                   [](const caf::error& why) { CHECK(why == errc::refused); });
}

TEST_CASE_METHOD(two_nodes, "a peer that breaks the protocol is given up",
                 "[actors][courier]") {
  far.silent = true;
  auto open = ask(call("TRAIN", {}));
  run();
  // In b's name: a chunk of a transfer that nobody announced.
  const auto payload = samples::blob(dtype::f64, {1}, std::vector{1.0});
  chunk_frame bad{{1, 8, 0, 0, 8, 0}, {payload.owner(), 8}};
  bad.header.checksum = checksum(bad.header, bad.bytes.span());
  forge(b, a, bad);
  run();
  auto ack = take<receive_func_ack>(open);
  REQUIRE_FALSE(ack);
  CHECK(ack.error().code == errc::node_lost);
  CHECK_THAT(ack.error().message,
             ContainsSubstring("node b at host:1 was given up")
                 && ContainsSubstring("expected a transfer that a message"));
}

TEST_CASE_METHOD(two_nodes, "a request of an unknown kind does nothing",
                 "[actors][courier]") {
  forge(a, b, request_of_kind(1));
  run();
  CHECK(far.asked.empty());
  CHECK(answer_to<receive_func_ack>(call("ECHO", {})));
}

TEST_CASE_METHOD(two_nodes, "a request may take longer than the patience",
                 "[actors][courier]") {
  far.silent = true;
  auto open = ask(call("TRAIN", {}));
  run();
  for (int i = 0; i < 10; ++i)
    wait(patience);
  REQUIRE(far.kept.size() == 1);
  REQUIRE(answer_to<receive_func_ack>(call("RELEASE", {})));
  auto ack = take<receive_func_ack>(open);
  REQUIRE(ack);
  CHECK(ack->result == value{"done"});
}

TEST_CASE_METHOD(two_nodes, "a request that its node has lost fails",
                 "[actors][courier]") {
  const auto forgetful = sys.spawn(
      [](caf::event_based_actor*, int) -> caf::behavior {
        return {[](const carried_request&) {},
                [](const still_open_msg& x) { return still_open_ack{x.ids}; }};
      },
      0);
  introduce(a, "c", caf::actor_cast<courier_actor>(forgetful));
  auto open = ask(call("TRAIN", {}), "c");
  run();
  wait(patience);
  wait(patience);
  auto ack = take<receive_func_ack>(open);
  REQUIRE_FALSE(ack);
  CHECK(ack.error()
        == failure{errc::timed_out,
                   "node c does not know of a request that it got"});
  self->send_exit(forgetful, caf::exit_reason::kill);
}

TEST_CASE_METHOD(two_nodes, "a peer that does not say whether it works is lost",
                 "[actors][courier]") {
  const auto mute = sys.spawn(
      [](caf::event_based_actor* me, int) -> caf::behavior {
        me->set_default_handler(caf::drop);
        return {[](const carried_request&) {},
                [me](const still_open_msg&) {
                  return me->make_response_promise<still_open_ack>();
                }};
      },
      0);
  introduce(a, "c", caf::actor_cast<courier_actor>(mute));
  auto open = ask(call("TRAIN", {}), "c");
  run();
  for (int i = 0; i < 4; ++i)
    wait(patience);
  CHECK(take<receive_func_ack>(open).error().code == errc::node_lost);
  self->send_exit(mute, caf::exit_reason::kill);
}
