#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <algorithm>

/// What PusH gets wrong where particles are made and runs are started.

using namespace posse;
using namespace posse::test;

namespace {

bool start_alike(push_distribution& pd, particle_id a, particle_id b) {
  const auto x = pd.p_parameters(a);
  const auto y = pd.p_parameters(b);
  REQUIRE((x && y));
  REQUIRE(!x->empty());
  return std::ranges::equal(x->front().bytes(), y->front().bytes());
}

} // namespace

TEST_CASE("D2: particles made without a key start with unlike weights, "
          "whatever the algorithm",
          "[actors][defect]") {
  small_run files;
  // A key for all by default made those of multi-SWAG and of MC dropout alike,
  // and all that p_create() made.
  const std::string algorithm =
      GENERATE("multi_swag", "mc_dropout", "deep_ensemble", "svgd");
  INFO(algorithm);
  std::vector<std::string> sets;
  if (algorithm == "multi_swag")
    sets = {"infer.burn_in=20", "infer.thinning=6"};
  const auto pd =
      push_distribution::start(files.config(algorithm, 3, 40, sets));
  REQUIRE(pd);
  create_all(**pd);
  CHECK_FALSE(start_alike(**pd, {0}, {1}));
  CHECK_FALSE(start_alike(**pd, {0}, {2}));
  CHECK_FALSE(start_alike(**pd, {1}, {2}));
}

TEST_CASE("particles start alike where they are given the same key",
          "[actors]") {
  small_run files;
  const auto pd =
      push_distribution::start(files.config("deep_ensemble", 3, 40));
  REQUIRE(pd);
  for (std::uint64_t key : {7, 7, 8})
    REQUIRE((*pd)->p_create({}, key));
  CHECK(start_alike(**pd, {0}, {1}));
  CHECK_FALSE(start_alike(**pd, {0}, {2}));
}

TEST_CASE("D4: a second multi-SWAG run of a process ends as the first",
          "[actors][swag][defect]") {
  // PusH keeps the first one's state in a default argument, and refuses.
  small_run files;
  const auto config =
      files.config("multi_swag", 2, 40,
                   {"infer.burn_in=20", "infer.thinning=6", "infer.samples=4"});
  const auto outcome = [&] {
    const auto pd = push_distribution::start(config);
    REQUIRE(pd);
    create_all(**pd);
    for (const auto& each : launch(**pd))
      REQUIRE(each.wait());
    const auto outputs = (*pd)->p_predict({1}, data_part::test);
    REQUIRE(outputs);
    return *outputs;
  };
  const auto before = outcome();
  CHECK(at::equal(outcome(), before));
}
