#include "runtime/compute/fuse_trial.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/device/compute_thread.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

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

TEST_CASE("what networks of any kind cost in groups", "[.][benchmark]") {
  prepare_compute_thread();
  auto recipe = small_recipe();
  auto data = small_data();
  recipe.model.kind = add_normalized_network();
  SECTION("batch statistics and dropout") {}
  SECTION("lenet") {
    recipe.model = {"lenet", {1, 28, 28}, 10, {}, "relu", "categorical", 0};
    recipe.loss = "nll";
    auto images = std::make_shared<data_set>(*data);
    images->encoding.inputs = std::vector<scaling>(784);
    images->train.inputs = at::randn({64, 1, 28, 28});
    images->train.targets = at::randint(10, {64});
    images->train.numbers.resize(64);
    data = images;
  }
  WARN(recipe.model.kind << ": "
                         << (can_group(recipe.model, c10::Device{c10::kCPU})
                                 ? "can be computed in groups"
                                 : "cannot be computed in groups"));
  for (std::size_t n : {2, 4, 16, 64}) {
    const auto tried =
        try_groups(compile(recipe, 64).value(), data, data->train.size(), n);
    REQUIRE(tried);
    WARN("N = " << n << ": " << tried->plain_us << " us one by one, "
                << tried->fused_us << " us in a group");
  }
}
