#include "runtime/store/lower_tiers.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <random>

using namespace posse;
using namespace posse::test;

namespace {

/// A store of `slots` slots, with room below for `host` and `disk` rows.
class tiered_box {
public:
  tiered_box(std::size_t slots, std::int64_t host, std::int64_t disk,
             cache_policy policy = cache_policy::order,
             const std::string& folder = "")
      : recipe_{*compile(small_recipe(), 16)},
        row_bytes_{recipe_->layout.row_bytes()},
        store_{{.capacity = slots,
                .policy = policy,
                // 0 would be no limit; one byte holds no row either.
                .below = {std::max<std::int64_t>(host * row_bytes_, 1),
                          disk * row_bytes_, folder_.path() / folder}}} {}

  particle_store& store() { return store_; }
  std::int64_t row_bytes() const { return row_bytes_; }

  expected<acquisition> create(std::uint32_t pid) {
    return store_.create({pid}, recipe_);
  }

  /// Runs `work(row)` on the row of a lease in its slot.
  template <class Work>
  void seated(expected<acquisition> got, Work work) {
    REQUIRE(got);
    REQUIRE(got->outcome == grant::leased);
    auto seat = settle(got->leases[0], store_.swaps());
    REQUIRE(seat);
    work((*seat)->row());
    store_.release(got->leases[0]);
  }

  /// Runs `work(row)` where the row lies.
  template <class Work>
  void in_place(std::uint32_t pid, row_use use, Work work) {
    auto got = store_.acquire_rows({{pid}});
    REQUIRE(got);
    REQUIRE(got->outcome == grant::leased);
    REQUIRE(bring_rows(got->leases, use));
    work(row_of(got->leases[0]));
    REQUIRE(return_rows(got->leases, use));
    store_.release(got->leases[0]);
  }

private:
  temporary_directory folder_;
  std::shared_ptr<const compiled_recipe> recipe_;
  std::int64_t row_bytes_;
  particle_store store_;
};

void fill(const at::Tensor& row, std::uint32_t content) {
  row.fill_(static_cast<std::int64_t>(content % 251));
}

bool holds(const at::Tensor& row, std::uint32_t content) {
  return row.eq(static_cast<std::int64_t>(content % 251)).all().item<bool>();
}

} // namespace

TEST_CASE("particles that no longer fit into host memory go to disk",
          "[runtime][store]") {
  tiered_box box{1, 1, 2};
  for (std::uint32_t pid = 0; pid < 4; ++pid)
    box.seated(box.create(pid), [&](auto& row) { fill(row, pid + 1); });
  CHECK(box.store().below().host_used() == box.row_bytes());
  CHECK(box.store().below().disk_bytes_moved()
        == static_cast<std::uint64_t>(2 * box.row_bytes()));
  for (std::uint32_t round = 0; round < 3; ++round)
    for (std::uint32_t pid = 0; pid < 4; ++pid)
      box.seated(box.store().acquire({pid}),
                 [&](auto& row) { CHECK(holds(row, pid + 1)); });
  CHECK(box.store().below().host_used() == box.row_bytes());
}

TEST_CASE("a particle for which there is no room is refused",
          "[runtime][store]") {
  tiered_box box{1, 1, 1};
  for (std::uint32_t pid = 0; pid < 3; ++pid)
    box.seated(box.create(pid), [](auto&) {});
  const auto refused = box.create(3);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::out_of_memory);
  const auto bytes = std::to_string(box.row_bytes());
  CHECK(refused.error().message
        == "a particle needs " + bytes
               + " bytes; there are 1 slots, and host memory (host_bytes = "
               + bytes + ") and disk (disk_bytes = " + bytes
               + ") have room for 2 more particles");
  box.store().remove({1}); // wherever it lies: its place is free again
  box.seated(box.create(3), [](auto&) {});
}

TEST_CASE("nothing is lost when there is no place on disk",
          "[runtime][store]") {
  tiered_box box{1, 0, 2, cache_policy::order, "gone"};
  box.seated(box.create(0), [](auto& row) { fill(row, 7); });
  auto got = box.create(1); // pushes particle 0 out
  REQUIRE(got);
  const auto seat = settle(got->leases[0], box.store().swaps());
  REQUIRE_FALSE(seat);
  CHECK(seat.error().code == errc::io_error);
  CHECK(seat.error().message.starts_with(
      "particle 0 leaves its slot: no file for particles in "));
  box.store().release(got->leases[0]);
  box.store().remove({1});
  CHECK(box.store().below().host_used()
        == box.row_bytes()); // beside the budget
  box.in_place(0, row_use::read, [](const auto& row) { CHECK(holds(row, 7)); });
  box.seated(box.store().acquire({0}), [](auto& row) { CHECK(holds(row, 7)); });
  CHECK(box.store().below().host_used() == 0);
}

TEST_CASE("of particles that take turns, those in host memory stay there",
          "[runtime][store]") {
  // 2 slots and 3 rows of host memory for 8 particles: each round reads those 3
  // that are on disk, and writes as many. Whoever kept the last 3 in memory
  // would read all that miss.
  tiered_box box{2, 3, 3};
  for (std::uint32_t pid = 0; pid < 8; ++pid)
    box.seated(box.create(pid), [](auto&) {});
  auto rounds = [&](int count) {
    const auto before = box.store().below().disk_bytes_moved();
    for (int i = 0; i < count; ++i)
      for (std::uint32_t pid = 0; pid < 8; ++pid)
        box.seated(box.store().acquire({pid}), [](auto&) {});
    return box.store().below().disk_bytes_moved() - before;
  };
  rounds(4);
  // A place passes from who comes in to who leaves, so that a round may meet
  // one of them twice.
  const auto row_moves = 2 * 8 * (3 + 1);
  CHECK(rounds(8) <= static_cast<std::uint64_t>(row_moves * box.row_bytes()));
}

TEST_CASE("operations on rows find them on disk", "[runtime][store]") {
  tiered_box box{1, 1, 2};
  for (std::uint32_t pid = 0; pid < 4; ++pid)
    box.seated(box.create(pid), [&](auto& row) { fill(row, pid + 1); });
  for (std::uint32_t pid = 0; pid < 4; ++pid)
    box.in_place(pid, row_use::read,
                 [&](const auto& row) { CHECK(holds(row, pid + 1)); });
  for (std::uint32_t pid = 0; pid < 4; ++pid)
    box.in_place(pid, row_use::write,
                 [&](const auto& row) { fill(row, pid + 9); });
  CHECK(box.store().below().host_used() == box.row_bytes());
  for (std::uint32_t pid = 0; pid < 4; ++pid)
    box.seated(box.store().acquire({pid}),
               [&](auto& row) { CHECK(holds(row, pid + 9)); });
}

TEST_CASE("a store does what its plain model does", "[runtime][store]") {
  // 10,000 operations at random beside a map from particle to content.
  const auto policy =
      GENERATE(cache_policy::order, cache_policy::lru, cache_policy::direct);
  constexpr std::array<std::array<unsigned, 3>, 5> cases{
      {{1, 1, 6}, {3, 2, 4}, {2, 0, 7}, {8, 1, 1}, {4, 5, 0}}};
  const auto [slots, host, disk] = cases.at(GENERATE(0U, 1U, 2U, 3U, 4U));
  CAPTURE(slots, host, disk, policy);
  tiered_box box{slots, host, disk, policy};
  const auto room = slots + host + disk;
  std::map<std::uint32_t, std::uint32_t> model;
  std::map<std::uint32_t, std::size_t> pins;
  std::mt19937 random{slots * 7 + host};
  std::uint32_t next_pid = 0;
  auto any = [&] {
    auto i = model.begin();
    std::advance(i, random() % model.size());
    return i->first;
  };
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto what = random() % 100;
    if (model.empty() || (what < 10 && model.size() < room)) {
      const auto pid = next_pid++;
      auto got = box.create(pid);
      if (!got) { // its slot is taken, others are free
        REQUIRE(policy == cache_policy::direct);
        REQUIRE(got.error().code == errc::out_of_memory);
        continue;
      }
      if (got->outcome != grant::leased)
        continue; // all slots that it may have are pinned
      box.seated(std::move(got), [&](auto& row) { fill(row, i); });
      model[pid] = i;
    } else if (const auto pid = any(); what < 50) {
      auto got = box.store().acquire({pid});
      REQUIRE(got);
      if (got->outcome != grant::leased)
        continue;
      box.seated(std::move(got), [&](auto& row) {
        REQUIRE(holds(row, model[pid]));
        fill(row, i);
      });
      model[pid] = i;
    } else if (what < 70) {
      box.in_place(pid, row_use::read,
                   [&](const auto& row) { REQUIRE(holds(row, model[pid])); });
    } else if (what < 85) {
      box.in_place(pid, row_use::write, [&](const auto& row) {
        REQUIRE(holds(row, model[pid]));
        fill(row, i);
      });
      model[pid] = i;
    } else if (what < 90) {
      // At most one: the others go on.
      if (pins.empty() && slots > 1 && box.store().pin({pid}))
        ++pins[pid];
    } else if (what < 95) {
      for (auto [pinned, count] : std::exchange(pins, {}))
        while (count-- > 0)
          REQUIRE(box.store().unpin({pinned}));
    } else if (!pins.contains(pid)) {
      box.store().remove({pid});
      model.erase(pid);
    }
    REQUIRE(box.store().below().host_used() <= host * box.row_bytes());
    REQUIRE(box.store().size() == model.size());
  }
  CHECK(next_pid > 100);
}
