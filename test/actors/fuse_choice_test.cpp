#include "actors/fuse_choice.hpp"
#include "runtime/data/data_library.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

expected<fuse_mode> choice(std::int64_t particles,
                           const std::vector<std::string>& sets,
                           const trial_cache& known = {}) {
  small_run run;
  const auto config = run.config("deep_ensemble", particles, 10, sets);
  auto data = open_data(config);
  REQUIRE(data);
  return choose_fuse(config, *data, known);
}

} // namespace

TEST_CASE("what a config says of fusing stays", "[actors][fuse]") {
  CHECK(choice(1, {"run.fuse=on"}) == fuse_mode::on);
  CHECK(choice(64, {"run.fuse=off", "local.lanes=1"}) == fuse_mode::off);
}

TEST_CASE("auto is off where particles cannot compute together",
          "[actors][fuse]") {
  CHECK(choice(2, {"run.fuse=auto", "local.lanes=2"}) == fuse_mode::off);
  CHECK(choice(64, {"run.fuse=auto", "local.lanes=1", "local.cache_size=1"})
        == fuse_mode::off);
  // Two particles of 800,001 parameters are more than a core's cache holds.
  CHECK(choice(64, {"run.fuse=auto", "local.lanes=1", "model.hidden=[200000]"})
        == fuse_mode::off);
  CHECK(choice(64, {"run.fuse=auto", R"(local.devices=["cpu:0","cuda:0"])"})
        == fuse_mode::off);
}

TEST_CASE("auto is off for one particle that nobody can help",
          "[actors][fuse]") {
  CHECK(choice(1, {"run.fuse=auto", "local.lanes=1"}) == fuse_mode::off);
}

TEST_CASE("auto decides by trial where they can", "[actors][fuse]") {
  for (std::int64_t particles : {64, 1}) {
    const auto lanes = particles == 1 ? "local.lanes=2" : "local.lanes=1";
    const auto chosen = choice(particles, {"run.fuse=auto", lanes});
    REQUIRE(chosen);
    CHECK(*chosen != fuse_mode::automatic);
  }
}

TEST_CASE("what a trial found decides again for an equal run",
          "[actors][fuse]") {
  const temporary_directory folder;
  const auto file = folder / "deep" / "trials.json";
  const trial_cache known{file};
  const std::vector<std::string> sets{"run.fuse=auto", "local.lanes=1"};
  REQUIRE(choice(64, sets, known));
  auto trials = nlohmann::json::parse(read_text(file));
  REQUIRE(trials.size() == 1);
  const auto key = trials[0]["run"].get<std::string>();
  CHECK_THAT(key, Catch::Matchers::ContainsSubstring("groups of 64"));

  known.remember(key, {1, 100});
  CHECK(choice(64, sets, known) == fuse_mode::off);
  known.remember(key, {100, 1});
  CHECK(choice(64, sets, known) == fuse_mode::on);
  // Another run has a trial of its own.
  REQUIRE(choice(32, sets, known));
  CHECK(nlohmann::json::parse(read_text(file)).size() == 2);
}
