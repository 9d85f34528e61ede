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

namespace {

using sequence = std::vector<std::uint32_t>;

/// `rounds` times 0, 1, ..., particles - 1.
sequence in_turn(std::uint32_t particles, int rounds) {
  sequence out;
  for (int r = 0; r < rounds; ++r)
    for (std::uint32_t i = 0; i < particles; ++i)
      out.push_back(i);
  return out;
}

/// The hits of a cache in which 0, 1, ... were created in this order.
std::uint64_t hits(cache_policy policy, std::size_t capacity,
                   std::uint32_t particles, const sequence& uses) {
  particle_cache cache{capacity, policy};
  for (std::uint32_t i = 0; i < particles; ++i)
    REQUIRE(cache.create(p(i)));
  for (auto i : uses)
    if (!cache.try_read(p(i)))
      FAIL("particle " << i);
  return cache.counters().hits;
}

/// What nobody can beat who has to load what is used: evict the particle whose
/// next use, looked up in what comes, is farthest away.
std::uint64_t best_hits(std::size_t capacity, std::uint32_t particles,
                        const sequence& uses) {
  std::vector<std::uint32_t> resident;
  for (std::uint32_t i = 0; i < std::min<std::size_t>(capacity, particles); ++i)
    resident.push_back(i);
  std::uint64_t out = 0;
  for (auto now = uses.begin(); now != uses.end(); ++now) {
    if (std::ranges::find(resident, *now) != resident.end()) {
      ++out;
      continue;
    }
    *std::ranges::max_element(resident, {}, [&](std::uint32_t x) {
      return std::find(now, uses.end(), x) - now;
    }) = *now;
  }
  return out;
}

} // namespace

TEST_CASE("particles in turn find what a cache by order keeps for them",
          "[runtime][particle_cache]") {
  const auto uses = in_turn(32, 40);
  const auto by_order = hits(cache_policy::order, 8, 32, uses);
  const auto best = best_hits(8, 32, uses);
  // Longest ago is the very next one: the worst choice there is.
  CHECK(hits(cache_policy::lru, 8, 32, uses) == 0);
  CHECK(by_order <= best);
  CHECK(by_order > best * 9 / 10); // the order has to be learnt first
}

TEST_CASE("a cache by order keeps particles that are used often",
          "[runtime][particle_cache]") {
  // Particles 0 and 1 between each two of the others, which take turns.
  sequence uses;
  for (auto i : in_turn(30, 30))
    for (auto x : {0U, 1U, 2 + i})
      uses.push_back(x);
  const auto by_order = hits(cache_policy::order, 6, 32, uses);
  CHECK(by_order >= hits(cache_policy::lru, 6, 32, uses));
  CHECK(by_order > best_hits(6, 32, uses) * 9 / 10);
}

TEST_CASE("a cache by order lets go of particles that are done",
          "[runtime][particle_cache]") {
  particle_cache cache{8, cache_policy::order};
  for (std::uint32_t i = 0; i < 16; ++i)
    REQUIRE(cache.create(p(i)));
  for (auto i : in_turn(8, 50))
    REQUIRE(cache.try_read(p(i)));
  for (auto i : in_turn(8, 10))
    REQUIRE(cache.try_read(p(8 + i)));
  const auto before = cache.counters();
  for (auto i : in_turn(8, 10))
    REQUIRE(cache.try_read(p(8 + i)));
  CHECK(cache.counters().misses == before.misses);
  CHECK(cache.counters().hits == before.hits + 80);
}

TEST_CASE("a cache by order evicts no pinned particle and takes free slots",
          "[runtime][particle_cache]") {
  particle_cache cache{2, cache_policy::order};
  CHECK_FALSE(cache.create(p(0))->evicted);
  CHECK_FALSE(cache.create(p(1))->evicted);
  REQUIRE(cache.try_pin(p(0)));
  REQUIRE(cache.try_pin(p(1)));
  CHECK(cache.create(p(2)).error().code == errc::all_slots_pinned);
  cache.unpin(p(0));
  CHECK(cache.create(p(2))->evicted == p(0));
  cache.release(p(2));
  CHECK_FALSE(cache.try_read(p(0))->evicted);
  CHECK((cache.particles() == std::vector{p(0), p(1)}));
}

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

TEST_CASE("a particle keeps its slot for a turn", "[runtime][particle_cache]") {
  const auto policy =
      GENERATE(cache_policy::lru, cache_policy::order, cache_policy::direct);
  particle_cache cache{1, policy, 2};
  REQUIRE(cache.create(p(0))); // the first of its two uses
  auto outcome = [&](std::uint32_t n, slot_claim claim) {
    return cache.try_read(p(n), claim).has_value();
  };
  CHECK(cache.create(p(1), slot_claim::after_turn).error().code
        == errc::all_slots_pinned);
  CHECK(outcome(0, slot_claim::in_turn)); // the second
  CHECK(cache.turn_is_over(0));
  CHECK_FALSE(outcome(0, slot_claim::in_turn));
  CHECK(outcome(0, slot_claim::seated)); // nobody else wants the slot
  CHECK_FALSE(cache.turn_is_over(0));
  CHECK(outcome(0, slot_claim::in_turn));

  CHECK(cache.create(p(1), slot_claim::after_turn)->evicted == p(0));
  CHECK_FALSE(cache.turn_is_over(0)); // its own begins
  CHECK_FALSE(outcome(0, slot_claim::seated));
  CHECK_FALSE(outcome(0, slot_claim::after_turn));
  CHECK(outcome(0, slot_claim::any));
  REQUIRE(cache.try_pin(p(0)));
  CHECK_FALSE(outcome(1, slot_claim::any));
}

TEST_CASE("a cache goes on without slots that were retired",
          "[runtime][particle_cache]") {
  const auto policy =
      GENERATE(cache_policy::order, cache_policy::lru, cache_policy::direct);
  particle_cache cache{4, policy};
  for (std::uint32_t i = 0; i < 3; ++i)
    REQUIRE(cache.create(p(i)));
  cache.pin_slot(0);
  CHECK(cache.idle_slots() == std::vector<std::size_t>{3, 2, 1});
  cache.retire(3); // was free
  CHECK(cache.capacity() == 3);
  CHECK(cache.counters().evictions == 0);
  cache.retire(1);
  CHECK(cache.capacity() == 2);
  CHECK(cache.retired() == 2);
  CHECK(cache.resident() == 2);
  CHECK(cache.without_slot() == 1);
  CHECK(cache.counters().evictions == 1);
  CHECK_FALSE(cache.contains(p(1)));
  CHECK(cache.next_evicts());
  cache.unpin_slot(0);
  CHECK(cache.idle_slots() == std::vector<std::size_t>{2}); // one stays
  for (int round = 0; round < 3; ++round)
    for (std::uint32_t i = 0; i < 5; ++i) {
      const auto at =
          round == 0 && i >= 3 ? cache.create(p(i)) : cache.try_read(p(i % 3));
      REQUIRE(at);
      CHECK((at->slot == 0 || at->slot == 2));
      CHECK(cache.resident() <= 2);
    }
  CHECK(cache.resident() == 2);
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

TEST_CASE("a cache by use agrees with a plain list over random operations",
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
