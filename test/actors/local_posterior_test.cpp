#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <cstddef>
#include <vector>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

void train_all(push_distribution& pd) {
  create_all(pd);
  for (const auto& each : launch(pd))
    REQUIRE(each.wait());
}

std::int64_t collected(push_distribution& pd, particle_id pid) {
  const auto state = pd.p_state(pid);
  REQUIRE(state);
  return *value{state->cursor}.at<std::int64_t>("collected");
}

} // namespace

TEST_CASE("every particle of a multi-SWAG collects, and predicts by its draws",
          "[actors][swag]") {
  small_run files;
  const auto pd = push_distribution::start(files.config(
      "multi_swag", 3, 40,
      {"infer.burn_in=20", "infer.thinning=6", "infer.samples=4"}));
  REQUIRE(pd);
  train_all(**pd);
  for (auto pid : (*pd)->particle_ids()) {
    CHECK(collected(**pd, pid) == 3);
    const auto outputs = (*pd)->p_predict(pid, data_part::test);
    REQUIRE(outputs);
    CHECK(outputs->dim() == 3);
    CHECK(outputs->size(0) == 4);
    CHECK_FALSE(at::equal((*outputs)[0], (*outputs)[1]));
  }
  // D2: its models stay apart.
  const auto first = (*pd)->p_predict({0}, data_part::test);
  const auto second = (*pd)->p_predict({1}, data_part::test);
  REQUIRE((first && second));
  CHECK_FALSE(at::allclose(*first, *second, 1e-3, 1e-3));
}

TEST_CASE("a SWAG run that would collect nothing is refused",
          "[actors][swag]") {
  small_run files;
  const auto refused = push_distribution::start(
      files.config("swag", 1, 40, {"infer.burn_in=39"}));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("infer.steps: expected at least"));
}

TEST_CASE("Monte Carlo dropout predicts by draws of one network",
          "[actors][mc_dropout]") {
  small_run files;
  const auto pd = push_distribution::start(files.config(
      "mc_dropout", 1, 40, {"infer.samples=5", "model.dropout=0.2"}));
  REQUIRE(pd);
  train_all(**pd);
  const auto outputs = (*pd)->p_predict({0}, data_part::test);
  REQUIRE(outputs);
  CHECK(outputs->size(0) == 5);
  CHECK_FALSE(at::equal((*outputs)[0], (*outputs)[1]));
}

TEST_CASE("Monte Carlo dropout may draw masks once for all rows",
          "[actors][mc_dropout]") {
  small_run files;
  const auto pd = push_distribution::start(files.config(
      "mc_dropout", 1, 40,
      {"infer.samples=5", "model.dropout=0.2", "infer.masks=draw"}));
  REQUIRE(pd);
  CHECK((*pd)->plan().recipe.posterior.shared_masks);
  train_all(**pd);
  const auto outputs = (*pd)->p_predict({0}, data_part::test);
  REQUIRE(outputs);
  CHECK(outputs->size(0) == 5);
  CHECK_FALSE(at::equal((*outputs)[0], (*outputs)[1]));
}

TEST_CASE("an ensemble's particles have random priors, each its own",
          "[actors][random_prior]") {
  small_run files;
  const auto pd = push_distribution::start(
      files.config("deep_ensemble", 2, 40, {"infer.random_prior=3"}));
  REQUIRE(pd);
  CHECK((*pd)->plan().recipe.model.prior_scale == 3);
  train_all(**pd);
  const auto prior_of = [&](particle_id pid) {
    const auto state = (*pd)->p_state(pid);
    REQUIRE(state);
    for (const auto& each : state->others)
      if (each.name == "prior.layers.0.weight")
        return std::vector<std::byte>(each.blob.bytes().begin(),
                                      each.blob.bytes().end());
    return std::vector<std::byte>{};
  };
  const auto first = prior_of({0});
  CHECK(first.size() == 8 * 2 * sizeof(float));
  const bool differ = first != prior_of({1});
  CHECK(differ);
}
