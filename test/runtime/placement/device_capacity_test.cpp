#include "runtime/placement/device_capacity.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("a device is full with its cache, its budget or its lanes",
          "[placement][device_capacity]") {
  CHECK(packing_capacity(3, 1000, 8, 100) == 3);
  CHECK(packing_capacity(0, 1000, 8, 100) == 10);
  CHECK(packing_capacity(0, 1099, 8, 100) == 10);
  CHECK(packing_capacity(0, 99, 8, 100) == 0);
  CHECK(packing_capacity(0, 0, 8, 0) == 8);
}

TEST_CASE("a device reserves room for what it may get",
          "[placement][device_capacity]") {
  run_config config;
  config.infer.particles = 7;
  for (auto policy : {"round_robin", "spread"}) {
    config.run.placement = policy;
    CHECK(most_particles_on(config, "local", "cpu:0", 1) == 7);
    CHECK(most_particles_on(config, "local", "cpu:0", 2) == 4);
    CHECK(most_particles_on(config, "local", "cpu:0", 100) == 1);
  }
  config.run.placement = "pack";
  CHECK(most_particles_on(config, "local", "cpu:0", 2) == 7);
  config.run.placement = "explicit";
  config.run.places = {"cpu:0", "cpu:1", "cpu:0"};
  CHECK(most_particles_on(config, "local", "cpu:0", 3) == 2);
  CHECK(most_particles_on(config, "local", "cpu:2", 3) == 1);
  config.cluster.emplace();
  config.run.places = {"a/cpu:0", "b/cpu:0", "a/cpu:0"};
  CHECK(most_particles_on(config, "a", "cpu:0", 1) == 2);
  CHECK(most_particles_on(config, "b", "cpu:0", 1) == 1);
}
