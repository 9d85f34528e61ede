#include "runtime/compute/recipe.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

using counts = std::vector<std::uint64_t>;

const std::string two_devices = R"(local.devices=["cpu:0","cpu:1"])";

/// How many particles sit on each device.
counts particles_on(push_distribution& pd) {
  const auto devices = pd.devices();
  REQUIRE(devices);
  counts out;
  for (const auto& device : *devices)
    out.push_back(device.resident);
  return out;
}

counts placed(small_run& data, std::vector<std::string> sets) {
  auto pd = push_distribution::start(
      data.config("deep_ensemble", 5, 5, std::move(sets)));
  INFO((pd ? std::string{} : pd.error().message));
  REQUIRE(pd);
  create_all(**pd);
  return particles_on(**pd);
}

std::int64_t bytes_of_a_particle(small_run& data) {
  auto pd = push_distribution::start(data.config("deep_ensemble", 5, 5));
  REQUIRE(pd);
  auto recipe = compile((*pd)->plan().recipe, 1);
  REQUIRE(recipe);
  return (*recipe)->layout.row_bytes();
}

} // namespace

TEST_CASE("particles go where run.placement says", "[actors][placement]") {
  small_run data;
  CHECK(placed(data, {two_devices}) == counts{3, 2});
  CHECK(placed(data, {two_devices, "run.placement=spread"}) == counts{3, 2});
  CHECK(
      placed(data, {two_devices, "run.placement=explicit",
                    R"(run.places=["cpu:1","cpu:1","cpu:0","cpu:1","cpu:1"])"})
      == counts{1, 4});
}

TEST_CASE("a device is packed to its cache, its budget or its lanes",
          "[actors][placement]") {
  small_run data;
  const std::string pack = "run.placement=pack";
  CHECK(placed(data, {two_devices, pack, "local.cache_size=4"})
        == counts{4, 1});
  CHECK(placed(data, {two_devices, pack, "local.cache_size=9"})
        == counts{5, 0});
  CHECK(placed(data, {two_devices, pack, "local.lanes=3"}) == counts{3, 2});
  // Full with one each, and there is room for all that follow.
  CHECK(placed(data, {two_devices, pack, "local.lanes=1"}) == counts{3, 2});
  const auto bytes = std::to_string(3 * bytes_of_a_particle(data) + 1);
  CHECK(placed(data, {R"(local.devices=[{name="cpu:0",bytes=)" + bytes
                          + R"(},"cpu:1"])",
                      pack, "local.lanes=2"})
        == counts{3, 2});
}

TEST_CASE("a particle that is made elsewhere by hand counts as placed",
          "[actors][placement]") {
  small_run data;
  auto pd = push_distribution::start(data.config(
      "deep_ensemble", 5, 5, {two_devices, "run.placement=spread"}));
  REQUIRE(pd);
  REQUIRE((*pd)->p_create("cpu:0"));
  REQUIRE((*pd)->p_create("cpu:0"));
  REQUIRE((*pd)->p_create());
  REQUIRE((*pd)->p_create());
  CHECK(particles_on(**pd) == counts{2, 2});
  CHECK((*pd)->p_create("cpu:7").error().code == errc::device_unavailable);
  CHECK((*pd)->num_particles() == 4);
}
