#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using namespace posse::test;

namespace {

struct outcome {
  std::vector<std::byte> parameters;
  std::uint64_t evictions{0};
};

outcome train(const run_config& config) {
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  for (const auto& result : wait_all(launch(**pd))) {
    REQUIRE(result);
    CHECK(result->at<bool>("finished") == true);
  }
  outcome out{all_parameters(**pd), 0};
  const auto devices = (*pd)->devices();
  REQUIRE(devices);
  for (const auto& device : *devices)
    out.evictions += device.evictions;
  return out;
}

} // namespace

TEST_CASE("training ends in the same bits wherever particles run",
          "[actors][same_bits]") {
  small_run data;
  const std::string algorithm =
      GENERATE("deep_ensemble", "svgd", "multi_swag", "mc_dropout", "psgld",
               "sghmc", "hmc", "laplace", "vi");
  auto with = [&](std::vector<std::string> sets) {
    return train(data.config(algorithm, 5, 40, std::move(sets)));
  };
  const auto reference = with({"local.lanes=1"});
  REQUIRE_FALSE(reference.parameters.empty());
  CHECK(reference.evictions == 0);
  CHECK(with({"local.lanes=2"}).parameters == reference.parameters);
  CHECK(with({R"(local.devices=["cpu:0","cpu:1"])"}).parameters
        == reference.parameters);
  for (const auto* policy : {"order", "lru", "direct"}) {
    const auto tight = with({"local.lanes=2", "local.cache_size=2",
                             std::string{"local.cache_policy="} + policy});
    CHECK(tight.parameters == reference.parameters);
    CHECK(tight.evictions > 0);
  }
  CHECK(with({"local.cache_size=1"}).parameters == reference.parameters);
  CHECK_FALSE(with({"run.seed=2"}).parameters == reference.parameters);
}

TEST_CASE("a lone particle's parts give the same bits however many compute",
          "[actors][same_bits]") {
  small_run data;
  const std::string algorithm = GENERATE("deep_ensemble", "svgd", "psgld");
  auto with = [&](const std::string& lanes) {
    // Wide enough to be cut.
    return train(data.config(algorithm, 1, 40,
                             {"run.fuse=on", "model.hidden=[100,71]", lanes}))
        .parameters;
  };
  const auto reference = with("local.lanes=1");
  REQUIRE_FALSE(reference.empty());
  CHECK(with("local.lanes=2") == reference);
  CHECK(with("local.lanes=3") == reference);
}

TEST_CASE("D6: a run that is paused, saved and restored ends in the same bits",
          "[actors][same_bits]") {
  small_run data;
  const std::string algorithm =
      GENERATE("deep_ensemble", "svgd", "sgld", "hmc", "laplace", "vi");
  const auto config = data.config(algorithm, 4, 400);
  const auto unbroken = train(config);

  std::vector<particle_snapshot> saved;
  {
    auto pd = push_distribution::start(config);
    REQUIRE(pd);
    create_all(**pd);
    auto running = launch(**pd);
    (*pd)->pause(true);
    for (const auto& result : wait_all(running))
      REQUIRE(result);
    for (auto pid : (*pd)->particle_ids()) {
      auto state = (*pd)->p_state(pid);
      REQUIRE(state);
      saved.push_back(*state);
    }
  }
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  for (const auto& state : saved)
    REQUIRE((*pd)->p_restore(state));
  for (const auto& result : wait_all(launch(**pd)))
    REQUIRE(result);
  CHECK(all_parameters(**pd) == unbroken.parameters);
}

TEST_CASE("training that was paused goes on when launched again",
          "[actors][same_bits]") {
  small_run data;
  const auto config = data.config("deep_ensemble", 3, 300);
  const auto unbroken = train(config);
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  for (int i = 0; i < 5; ++i) {
    auto running = launch(**pd);
    (*pd)->pause(true);
    for (const auto& result : wait_all(running))
      REQUIRE(result);
    (*pd)->pause(false);
  }
  for (const auto& result : wait_all(launch(**pd)))
    CHECK(result->at<bool>("finished") == true);
  CHECK(all_parameters(**pd) == unbroken.parameters);
}
