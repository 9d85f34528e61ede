#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <cstring>
#include <limits>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr particle_id bad{1};

/// The same tensor with NaN as its first element.
tensor_blob with_nan(const tensor_blob& blob) {
  const auto bytes = blob.bytes();
  auto copy =
      std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(copy->data(), &nan, sizeof nan);
  return {blob.type(), blob.shape(), {copy, copy->data()}};
}

/// Makes a particle's parameters no numbers.
void spoil(push_distribution& pd, particle_id pid) {
  auto state = pd.p_state(pid);
  REQUIRE(state);
  for (auto& each : state->parameters)
    each.blob = with_nan(each.blob);
  REQUIRE(pd.p_restore(*state));
}

bool all_finished(push_distribution& pd) {
  for (const auto& result : wait_all(launch(pd))) {
    REQUIRE(result);
    if (result->at<bool>("finished") != true)
      return false;
  }
  return true;
}

} // namespace

TEST_CASE("a particle whose loss is no number stops, and the others go on",
          "[actors][divergence]") {
  small_run data;
  const std::string algorithm =
      GENERATE("deep_ensemble", "svgd", "multi_swag", "mc_dropout", "sghmc",
               "hmc", "laplace", "vi");
  const std::string fuse = GENERATE("off", "on");
  CAPTURE(algorithm, fuse);
  auto pd = push_distribution::start(
      data.config(algorithm, 3, 40, {"run.fuse=" + fuse}));
  REQUIRE(pd);
  create_all(**pd);
  spoil(**pd, bad);
  CHECK(all_finished(**pd));
  for (auto pid : (*pd)->particle_ids()) {
    const auto outputs = (*pd)->p_predict(pid, data_part::test);
    const auto cursor = value{(*pd)->p_state(pid)->cursor};
    CHECK(cursor.at<bool>("finished") == true);
    CHECK(cursor.at<bool>("diverged") == (pid == bad));
    CHECK(outputs.has_value() == (pid != bad));
    if (pid != bad)
      continue;
    CHECK(outputs.error().code == errc::non_finite);
    CHECK_THAT(outputs.error().message,
               ContainsSubstring("particle 1")
                   && ContainsSubstring("loss became no number at step 1"));
  }
}

TEST_CASE("a particle that has diverged stays so after a resume",
          "[actors][divergence]") {
  small_run data;
  const std::string algorithm = GENERATE("deep_ensemble", "svgd");
  const auto config = data.config(algorithm, 3, 40);
  std::vector<particle_snapshot> saved;
  {
    auto pd = push_distribution::start(config);
    REQUIRE(pd);
    create_all(**pd);
    spoil(**pd, bad);
    REQUIRE(all_finished(**pd));
    for (auto pid : (*pd)->particle_ids())
      saved.push_back(*(*pd)->p_state(pid));
  }
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  for (const auto& state : saved)
    REQUIRE((*pd)->p_restore(state));
  CHECK(all_finished(**pd));
  CHECK_FALSE((*pd)->p_predict(bad, data_part::test));
  CHECK((*pd)->p_predict({0}, data_part::test));
}

TEST_CASE("SVGD fails when all of its particles have diverged",
          "[actors][divergence]") {
  small_run data;
  auto pd = push_distribution::start(data.config("svgd", 2, 20));
  REQUIRE(pd);
  create_all(**pd);
  for (auto pid : (*pd)->particle_ids())
    spoil(**pd, pid);
  const auto results = wait_all(launch(**pd));
  REQUIRE(results.size() == 1);
  REQUIRE_FALSE(results[0]);
  CHECK_THAT(results[0].error().message,
             ContainsSubstring("all particles have diverged"));
}
