#include "apps/posse/sampler_parts.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Approx;
using json = nlohmann::ordered_json;

namespace {

json part_of(std::int64_t pid, std::int64_t from, std::int64_t to,
             std::int64_t kept, double accepted, double step_size = 0.1,
             std::int64_t diverged = 0) {
  return {
      {"pid", pid},          {"from", from},         {"to", to},
      {"kept", kept},        {"accepted", accepted}, {"step_size", step_size},
      {"diverged", diverged}};
}

std::vector<logged_event> log_of(const std::vector<json>& parts) {
  std::vector<logged_event> out{{"info", "start", json::object()}};
  for (const auto& each : parts)
    out.push_back({"info", "chain", each});
  return out;
}

} // namespace

TEST_CASE("what a chain says of its parts is put together", "[apps][sampler]") {
  sampler_parts x;
  CHECK(x.summary().empty());
  CHECK(x.add(part_of(1, 0, 10, 0, 0, 0.5)));         // of the burn-in
  CHECK(x.add(part_of(1, 10, 30, 10, 0.9, 0.25, 1))); // half of it
  CHECK(x.add(part_of(1, 30, 60, 30, 0.5, 0.125, 2)));
  CHECK(x.add(part_of(0, 0, 60, 40, 0.75, 0.5)));
  CHECK_FALSE(x.add(part_of(1, 60, 60, 0, 0, 0))); // had ended
  const auto told = x.summary();
  REQUIRE(told.size() == 2);
  CHECK(told[0]["pid"] == 0);
  CHECK(told[0]["accepted"].get<double>() == Approx(0.75));
  CHECK(told[1]["pid"] == 1);
  // (10 * 0.9 + 30 * 0.5) / 40
  CHECK(told[1]["accepted"].get<double>() == Approx(0.6));
  CHECK(told[1]["step_size"] == 0.125);
  CHECK(told[1]["diverged"] == 3);
}

TEST_CASE("a resumed run takes up its chains' parts up to the checkpoint",
          "[apps][sampler]") {
  // Killed after 20 twice: when a part up to 50 was logged, and one up to 40,
  // whose checkpoint alone was written.
  const auto log =
      log_of({part_of(0, 0, 20, 20, 0.5), part_of(0, 20, 50, 30, 1),
              part_of(0, 20, 40, 20, 0.25, 0.1, 1)});
  sampler_parts x;
  x.recall(log, {{particle_id{0}, 40}});
  CHECK(x.summary()[0]["accepted"].get<double>() == Approx(0.375));
  CHECK(x.summary()[0]["diverged"] == 1);
  // From the checkpoint at 20 alone the first counts.
  sampler_parts earlier;
  earlier.recall(log, {{particle_id{0}, 20}});
  CHECK(earlier.summary()[0]["accepted"].get<double>() == Approx(0.5));
  CHECK(earlier.summary()[0]["diverged"] == 0);
  CHECK(earlier.add(part_of(0, 20, 60, 60, 0.1)));
  // (20 * 0.5 + 60 * 0.1) / 80
  CHECK(earlier.summary()[0]["accepted"].get<double>() == Approx(0.2));
}

TEST_CASE("lines of a log that are no parts of a chain are passed over",
          "[apps][sampler]") {
  auto without = part_of(0, 0, 20, 20, 0.5);
  without.erase("kept");
  auto text = part_of(0, 0, 20, 20, 0.5);
  text["accepted"] = "half";
  sampler_parts x;
  x.recall(log_of({without, text, json::object()}), {{particle_id{0}, 20}});
  CHECK(x.summary().empty());
}
