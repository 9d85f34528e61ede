#include "runtime/store/device_room.hpp"
#include "test/support/catch.hpp"

using namespace posse;

namespace {

constexpr std::int64_t row = 1000;

particle_store::options with(std::size_t particles, std::size_t capacity) {
  particle_store::options out;
  out.expected_particles = particles;
  out.capacity = capacity;
  return out;
}

} // namespace

TEST_CASE("particles fill slots, then host memory, then disk",
          "[runtime][store]") {
  auto opts = with(10, 4);
  opts.below = {3 * row + 999, 5 * row, {}};
  const auto room = room_for(opts, row, 10);
  REQUIRE(room);
  CHECK(room->slots == 4);
  CHECK(room->on_host == 3);
  CHECK(room->on_disk == 3);

  opts.below.host_bytes = 0; // no limit
  CHECK(room_for(opts, row, 10)->on_host == 6);
  CHECK(room_for(opts, row, 10)->on_disk == 0);
  CHECK(room_for(with(3, 4), row, 3)->on_host == 0);
}

TEST_CASE("another machine's devices hold what their config says",
          "[runtime][store]") {
  auto opts = with(10, 0);
  constexpr std::int64_t huge = std::int64_t{1} << 50;
  CHECK(room_elsewhere(opts, huge, 10)->slots == 10);
  opts.budget_bytes = 4 * huge;
  CHECK(room_elsewhere(opts, huge, 10)->slots == 4);
  CHECK(room_elsewhere(opts, huge, 3)->on_host == 0);
  CHECK(room_elsewhere(opts, huge, 10)->on_host == 6);
}

TEST_CASE("a device's slots are its cache_size, or what its budget holds",
          "[runtime][store]") {
  CHECK(slots_for(with(10, 4), row) == 4U);
  CHECK(slots_for(with(10, 0), row) == 10U);
  auto opts = with(10, 0);
  opts.budget_bytes = 7 * row + 999;
  CHECK(slots_for(opts, row) == 7U);
  opts.budget_bytes = row - 1;
  const auto none = slots_for(opts, row);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::out_of_memory);
  CHECK(none.error().message
        == "one particle needs 1000 bytes, the device has room for 999");
}

TEST_CASE("a run that does not fit is told what would", "[runtime][store]") {
  auto opts = with(10, 4);
  opts.below = {2 * row, row, {}};
  const auto none = room_for(opts, row, 10);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::out_of_memory);
  CHECK(none.error().message
        == "a particle needs 1000 bytes; there are 4 slots, and host memory "
           "(host_bytes = 2000) and disk (disk_bytes = 1000) have room for 3 "
           "more particles; for 10 particles set disk_bytes to at least 4000");
}
