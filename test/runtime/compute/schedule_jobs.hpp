#pragma once

#include "runtime/compute/lane_schedule.hpp"
#include "test/runtime/compute/particles.hpp"

#include <memory>
#include <utility>

/// Operations that a test gives to a lane_schedule.
namespace posse::test {

class creation final : public device_job {
public:
  creation(particle_id pid, std::shared_ptr<const compiled_recipe> recipe)
      : device_job{{pid}}, recipe_{std::move(recipe)} {}
  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.create(pids.front(), recipe_, claim);
  }

private:
  std::shared_ptr<const compiled_recipe> recipe_;
};

class use final : public device_job {
public:
  explicit use(particle_id pid) : device_job{{pid}} {}
  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.acquire(pids.front(), claim);
  }
};

/// Looks at a row where it lies.
class look final : public device_job {
public:
  explicit look(particle_id pid) : device_job{{pid}} {}
  expected<acquisition> acquire(particle_store& store, slot_claim) override {
    return store.acquire_rows(pids);
  }
};

inline void create(lane_schedule& schedule, particle_id pid,
                   const std::shared_ptr<const compiled_recipe>& made_of) {
  creation job{pid, made_of};
  REQUIRE(schedule.place(job) == true);
  auto& held = job.leases.front();
  auto seat = settle(held, schedule.swaps());
  REQUIRE(seat);
  REQUIRE(initialize({*held.entry, **seat}, pid.number));
  schedule.finish(job);
}

} // namespace posse::test
