#include "runtime/store/particle_store.hpp"
#include "test/runtime/compute/particles.hpp"

using namespace posse;
using namespace posse::test;

TEST_CASE("a leased particle is nobody else's", "[runtime][store]") {
  particle_box box{small_recipe(), 2};
  box.create({0});
  box.create({1});
  auto& store = box.store();
  auto held = store.acquire({0});
  REQUIRE(held->outcome == grant::leased);
  CHECK(store.acquire({0})->outcome == grant::busy);
  CHECK(store.acquire_rows({{1}, {0}})->outcome == grant::busy);
  auto other = store.acquire({1});
  CHECK(other->outcome == grant::leased); // what failed above holds nothing
  store.release(held->leases[0]);
  store.release(other->leases[0]);
  CHECK(store.acquire_rows({{1}, {0}})->outcome == grant::leased);
}

TEST_CASE("a particle on its way out is busy until its bytes have left",
          "[runtime][store]") {
  particle_box box{small_recipe(), 1};
  box.create({0});
  box.create({1}); // pushed particle 0 out
  auto& store = box.store();
  auto held = store.acquire({0});
  REQUIRE(held->outcome == grant::leased);
  CHECK(held->leases[0].evicted->pid == particle_id{1});
  CHECK(store.acquire({1})->outcome == grant::busy);
  REQUIRE(settle(held->leases[0], store.swaps()));
  store.release(held->leases[0]);
  CHECK(store.acquire({1})->outcome == grant::leased);
}

TEST_CASE("no slot is given away while all are in use", "[runtime][store]") {
  particle_box box{small_recipe(), 1};
  box.create({0});
  box.create({1});
  auto& store = box.store();
  auto held = store.acquire({1});
  REQUIRE(held->outcome == grant::leased);
  CHECK(store.acquire({0})->outcome == grant::no_slot);
  REQUIRE(settle(held->leases[0], store.swaps()));
  store.release(held->leases[0]);
  CHECK(store.pin({1}));
  CHECK(store.acquire({0})->outcome == grant::no_slot);
  CHECK(store.unpin({1}));
  CHECK_FALSE(store.unpin({1}));
  CHECK(store.acquire({0})->outcome == grant::leased);
}

TEST_CASE("rows are found in slots and on the host alike", "[runtime][store]") {
  particle_box box{small_recipe(), 1};
  box.create({0});
  box.create({1});
  const auto resident = box.parameters_of({1});
  const auto evicted = [&] {
    particle_box alone{small_recipe(), 1};
    alone.create({0});
    return alone.parameters_of({0});
  }();
  auto rows = box.store().acquire_rows({{0}, {1}});
  REQUIRE(rows->outcome == grant::leased);
  auto read = [&](std::size_t i) {
    const auto& held = rows->leases[i];
    return parameter_row(*held.entry, row_of(held));
  };
  CHECK(at::equal(read(0), evicted));
  CHECK(at::equal(read(1), resident));
}

TEST_CASE("a store refuses strangers and twins", "[runtime][store]") {
  particle_box box{small_recipe(), 2};
  box.create({0});
  CHECK(box.store().acquire({7}).error().code == errc::unknown_particle);
  CHECK(box.store().acquire_rows({{0}, {7}}).error().code
        == errc::unknown_particle);
  CHECK(box.store().acquire({0})->outcome == grant::leased);
}

TEST_CASE("swaps are counted in bytes", "[runtime][store]") {
  particle_box box{small_recipe(), 1};
  box.create({0});
  box.create({1});
  const auto row = static_cast<std::uint64_t>(box.recipe().layout.row_bytes());
  CHECK(box.store().swaps().bytes_moved == row); // 0 went out, 1 was new
  box.parameters_of({0});
  CHECK(box.store().swaps().bytes_moved == 3 * row);
  box.parameters_of({0});
  CHECK(box.store().swaps().bytes_moved == 3 * row);
}
