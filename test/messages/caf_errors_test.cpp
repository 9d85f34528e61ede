#include "messages/caf_errors.hpp"
#include "messages/messages.hpp"
#include "test/messages/testing_system.hpp"
#include "test/support/catch.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

const failure unknown{errc::unknown_particle, "particle 9: no node owns it"};

} // namespace

TEST_CASE("every failure keeps its code and text as an error",
          "[messages][errors]") {
  for (int i = 1; i <= static_cast<int>(last_errc); ++i) {
    const failure x{static_cast<errc>(i), "text " + std::to_string(i)};
    CHECK(from_error(to_error(x)) == x);
    CHECK(to_error(x) == x.code);
  }
  CHECK(from_error(to_error({errc::io_error, ""}))
        == failure{errc::io_error, ""});
  CHECK(from_error(errc::timed_out) == failure{errc::timed_out, ""});
  CHECK_FALSE(to_error(unknown) == errc::unknown_name);
}

TEST_CASE_METHOD(testing_system, "an error keeps code and text on the wire",
                 "[messages][errors]") {
  auto sent = to_error(unknown);
  std::vector<char> bytes;
  caf::binary_serializer sink{sys, bytes};
  REQUIRE_FALSE(sink(sent));
  caf::error received;
  caf::binary_deserializer source{sys, bytes};
  REQUIRE_FALSE(source(received));
  CHECK(from_error(received) == unknown);
}

TEST_CASE_METHOD(testing_system,
                 "a request is answered with the handler's failure",
                 "[messages][errors]") {
  const auto worker = sys.spawn(
      [](caf::event_based_actor*, int) -> caf::behavior {
        return {[](const step_msg& x) -> caf::result<step_ack> {
          if (x.pid == particle_id{1})
            return to_result(expected<step_ack>{step_ack{0.25, 8}});
          return to_result<step_ack>(fail(unknown.code, unknown.message));
        }};
      },
      0);
  const auto ask = [&](particle_id pid) {
    auto pending = self->request(worker, caf::infinite, step_msg{pid, {}});
    sched.run();
    expected<step_ack> answer;
    pending.receive([&](const step_ack& x) { answer = x; },
                    [&](const caf::error& err) {
                      answer = tl::unexpected{from_error(err)};
                    });
    return answer;
  };
  const auto answer = ask({1});
  REQUIRE(answer);
  CHECK(answer->loss == 0.25);
  CHECK(answer->step == 8);
  const auto refusal = ask({9});
  REQUIRE_FALSE(refusal);
  CHECK(refusal.error() == unknown);
}

TEST_CASE_METHOD(testing_system,
                 "a request to an actor that ended is actor_down",
                 "[messages][errors]") {
  const auto worker = sys.spawn(
      [](caf::event_based_actor*, int) -> caf::behavior {
        return {[](const step_msg&) { return step_ack{}; }};
      },
      0);
  self->send_exit(worker, caf::exit_reason::kill);
  sched.run();
  auto pending = self->request(worker, caf::infinite, step_msg{});
  sched.run();
  failure why;
  pending.receive([](const step_ack&) { FAIL("a dead actor answered"); },
                  [&](const caf::error& err) { why = from_error(err); });
  CHECK(why.code == errc::actor_down);
  CHECK_THAT(why.message, ContainsSubstring("CAF: "));
}

TEST_CASE("CAF's own errors become the nearest code", "[messages][errors]") {
  using caf::make_error;
  CHECK(from_error(make_error(caf::sec::connection_timeout)).code
        == errc::timed_out);
  CHECK(from_error(make_error(caf::sec::request_timeout)).code
        == errc::timed_out);
  CHECK(from_error(make_error(caf::sec::unexpected_message)).code
        == errc::unknown_message);
  CHECK(from_error(make_error(caf::exit_reason::remote_link_unreachable)).code
        == errc::actor_down);
  CHECK(from_error(make_error(caf::sec::runtime_error)).code
        == errc::backend_error);
  CHECK_THAT(from_error(make_error(caf::sec::request_timeout)).message,
             ContainsSubstring("request_timeout"));
  CHECK(from_error(caf::error{}).code == errc::backend_error);
}

TEST_CASE("a code of a newer peer keeps its text", "[messages][errors]") {
  const caf::error err{200, caf::atom("posse"),
                       caf::make_message(std::string{"from the future"})};
  const auto x = from_error(err);
  CHECK(x.code == errc::backend_error);
  CHECK(x.message == "unknown error 200: from the future");
}

TEST_CASE_METHOD(testing_system, "CAF prints our errors in words",
                 "[messages][errors]") {
  CHECK(sys.render(to_error(unknown))
        == "unknown particle: particle 9: no node owns it");
  CHECK(sys.render(errc::timed_out) == "timed out");
}
