#include "runtime/compute/fuse_trial.hpp"
#include "test/runtime/compute/particles.hpp"

#include <cmath>

using namespace posse;
using namespace posse::test;

namespace {

std::shared_ptr<const data_set> small_data() {
  auto [x, y] = small_batch(1);
  auto data = std::make_shared<data_set>();
  data->encoding.inputs = {scaling{}};
  data->train.inputs = x;
  data->train.targets = y;
  data->train.numbers.resize(16);
  return data;
}

void check_times(const expected<fuse_trial>& tried) {
  REQUIRE(tried);
  for (auto us : {tried->plain_us, tried->fused_us}) {
    CHECK(us > 0);
    CHECK(std::isfinite(us));
  }
}

} // namespace

TEST_CASE("a trial times steps one by one and in groups",
          "[runtime][compute][fuse]") {
  const auto recipe = compile(small_recipe(), 16).value();
  check_times(try_groups(recipe, small_data(), 16, 4));
}

TEST_CASE("a trial times steps as a whole and in parts",
          "[runtime][compute][fuse]") {
  auto recipe = small_recipe();
  recipe.batch_parts = 2;
  check_times(try_parts(compile(recipe, 16).value(), small_data(), 16, 2));
}
