#include "actors/fuse_choice.hpp"
#include "runtime/data/data_library.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

expected<fuse_mode> choice(std::int64_t particles,
                           const std::vector<std::string>& sets) {
  small_run run;
  const auto config = run.config("deep_ensemble", particles, 10, sets);
  auto data = open_data(config);
  REQUIRE(data);
  return choose_fuse(config, *data);
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
  CHECK(choice(64, {"run.fuse=auto", "local.lanes=1", "model.hidden=[100000]"})
        == fuse_mode::off);
  CHECK(choice(64, {"run.fuse=auto", R"(local.devices=["cpu:0","cuda:0"])"})
        == fuse_mode::off);
}

TEST_CASE("auto decides by trial where they can", "[actors][fuse]") {
  const auto chosen = choice(64, {"run.fuse=auto", "local.lanes=1"});
  REQUIRE(chosen);
  CHECK(*chosen != fuse_mode::automatic);
}
