#include "runtime/store/particle_cache.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <list>
#include <random>

using namespace posse;

namespace {

particle_id p(std::uint32_t n) {
  return {n};
}

// LRU as plainly as it can be written: a list, oldest first.
class plain_lru {
public:
  explicit plain_lru(std::size_t capacity) : capacity_{capacity} {}

  bool resident(particle_id pid) const {
    return std::ranges::find(order_, pid) != order_.end();
  }
  // The one that left, if any; nullopt and false if nobody may leave.
  std::pair<bool, std::optional<particle_id>>
  use(particle_id pid, const std::vector<particle_id>& pinned) {
    if (resident(pid)) {
      order_.remove(pid);
      order_.push_back(pid);
      return {true, std::nullopt};
    }
    std::optional<particle_id> left;
    if (order_.size() == capacity_) {
      auto victim = std::ranges::find_if(order_, [&](particle_id x) {
        return std::ranges::find(pinned, x) == pinned.end();
      });
      if (victim == order_.end())
        return {false, std::nullopt};
      left = *victim;
      order_.erase(victim);
    }
    order_.push_back(pid);
    return {true, left};
  }

private:
  std::size_t capacity_;
  std::list<particle_id> order_;
};

} // namespace

TEST_CASE("a cache evicts the particle used longest ago",
          "[runtime][particle_cache]") {
  particle_cache cache{2, cache_policy::lru};
  CHECK_FALSE(cache.create(p(0))->evicted);
  CHECK_FALSE(cache.create(p(1))->evicted);
  CHECK(cache.try_read(p(0))->hit);
  auto placed = cache.create(p(2));
  REQUIRE(placed);
  CHECK(placed->evicted == p(1));
  CHECK_FALSE(cache.contains(p(1)));
  CHECK(cache.try_read(p(1))->evicted == p(0));
  CHECK(cache.counters() == cache_counters{1, 1, 2});
}

TEST_CASE("a direct-mapped cache gives a particle the slot of its number",
          "[runtime][particle_cache]") {
  particle_cache cache{2, cache_policy::direct};
  CHECK(cache.create(p(7))->slot == 0);
  CHECK(cache.create(p(3))->slot == 1);
  auto third = cache.create(p(5));
  CHECK(third->slot == 0);
  CHECK(third->evicted == p(7));
}

TEST_CASE("a pinned particle is never evicted", "[runtime][particle_cache]") {
  particle_cache cache{2, cache_policy::lru};
  REQUIRE(cache.create(p(0)));
  REQUIRE(cache.create(p(1)));
  CHECK(cache.try_pin(p(0)));
  CHECK(cache.try_pin(p(0)));
  CHECK(cache.create(p(2))->evicted == p(1));
  CHECK_FALSE(cache.try_pin(p(1)));
  REQUIRE(cache.try_pin(p(2)));
  CHECK(cache.try_read(p(1)).error().code == errc::all_slots_pinned);
  cache.unpin(p(0));
  CHECK(cache.try_read(p(1)).error().code == errc::all_slots_pinned);
  cache.unpin(p(0));
  CHECK(cache.try_read(p(1))->evicted == p(0));
}

TEST_CASE("a cache refuses what it does not know",
          "[runtime][particle_cache]") {
  particle_cache cache{1, cache_policy::lru};
  CHECK(cache.try_read(p(4)).error().code == errc::unknown_particle);
  REQUIRE(cache.create(p(4)));
  CHECK(cache.create(p(4)).error().code == errc::invalid_argument);
  cache.release(p(4));
  CHECK(cache.try_read(p(4)).error().code == errc::unknown_particle);
  CHECK(cache.particles().empty());
  CHECK_FALSE(cache.create(p(5))->evicted);
  CHECK(parse_cache_policy("fifo").error().code == errc::unknown_name);
}

TEST_CASE("a cache agrees with a plain list over random operations",
          "[runtime][particle_cache]") {
  std::mt19937 random{7};
  constexpr std::size_t capacity = 5;
  constexpr std::uint32_t particles = 12;
  particle_cache cache{capacity, cache_policy::lru};
  plain_lru plain{capacity};
  std::vector<particle_id> pinned;
  std::vector<bool> created(particles, false);
  for (int i = 0; i < 10'000; ++i) {
    const auto pid = p(random() % particles);
    switch (random() % 4) {
    case 0:
      if (cache.try_pin(pid) != plain.resident(pid))
        FAIL("pin of particle " << pid.number << " at operation " << i);
      if (plain.resident(pid))
        pinned.push_back(pid);
      break;
    case 1:
      if (auto at = std::ranges::find(pinned, pid); at != pinned.end()) {
        cache.unpin(pid);
        pinned.erase(at);
      }
      break;
    default: {
      auto got = created[pid.number] ? cache.try_read(pid) : cache.create(pid);
      auto [ok, left] = plain.use(pid, pinned);
      if (got.has_value() != ok || (ok && got->evicted != left))
        FAIL("use of particle " << pid.number << " at operation " << i);
      if (ok)
        created[pid.number] = true;
    }
    }
    if (cache.contains(pid) != plain.resident(pid))
      FAIL("residence of particle " << pid.number << " at operation " << i);
  }
  CHECK(cache.counters().evictions > 100);
}
