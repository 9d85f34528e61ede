#include "test/actors/view_behavior.hpp"
#include "test/runtime/store/view_hash.hpp"

#include <algorithm>
#include <limits>

using namespace posse;
using namespace posse::test;

namespace {

/// Two views of a particle that does nothing in between.
task<value> looks_twice(particle& self, value) {
  const auto other = self.other_particles().front();
  const auto first = co_await self.get(other);
  const auto again = co_await self.get(other);
  co_return first.version() == again.version()
      && first.parameters().front().owner()
             == again.parameters().front().owner()
      && first.buffers().begin()->second.owner()
             == again.buffers().begin()->second.owner();
}

/// A view that is held while its particle takes 10 steps.
task<value> holds(particle& self, value) {
  const auto other = self.other_particles().front();
  const auto held = co_await self.get(other);
  const auto before = hash_of(held);
  const std::string msg = "TRAIN";
  for (int i = 0; i < 10; ++i) {
    const value steps{1};
    co_await self.send(other, msg, steps);
  }
  const auto later = co_await self.get(other);
  value_dict out;
  out["unchanged"] = hash_of(held) == before;
  out["later is newer"] = later.version() > held.version();
  out["later differs"] = hash_of(later) != before;
  co_return out;
}

/// The buffers of the first other particle's view, by name.
task<value> looks_at_buffers(particle& self, value) {
  const auto other = self.other_particles().front();
  const auto view = co_await self.get(other);
  value_dict out;
  for (const auto& [name, tensor] : view.buffers())
    out[name] = tensor;
  co_return out;
}

/// Hashes of the views of all others, in their order.
task<value> gets_all(particle& self, value) {
  value_list out;
  for (auto pid : self.other_particles()) {
    const auto view = co_await self.get(pid);
    out.emplace_back(hash_of(view));
  }
  co_return out;
}

/// Fills parameters and buffers with 0, 1, 2, ... below `args`.
task<value> fills(particle& self, value args) {
  const auto times = value_or_throw(args.to<std::int64_t>("times"));
  for (std::int64_t i = 0; i < times; ++i) {
    auto filled = self.with_module([i](seated_module& m) {
      const at::NoGradGuard no_grad;
      for (const auto& list : {m.net().parameters(), m.net().buffers()})
        for (const auto& x : list)
          x.fill_(i);
    });
    co_await std::move(filled);
  }
  co_return value{};
}

/// How many of `args` views of particle 0 mix what it was filled with, or are
/// older than one before.
task<value> looks_for_mixtures(particle& self, value args) {
  const auto times = value_or_throw(args.to<std::int64_t>("times"));
  std::int64_t bad = 0;
  double newest = 0;
  std::uint64_t version = 0;
  for (std::int64_t i = 0; i < times; ++i) {
    const auto view = co_await self.get(particle_id{0});
    double least = std::numeric_limits<double>::infinity();
    double most = -least;
    const auto add = [&](const tensor_blob& x) {
      const auto numbers = value_or_throw(to_tensor(x)).to(at::kDouble);
      least = std::min(least, numbers.min().item<double>());
      most = std::max(most, numbers.max().item<double>());
    };
    for (const auto& x : view.parameters())
      add(x);
    for (const auto& [name, x] : view.buffers())
      add(x);
    if (least != most || least < newest || view.version() < version)
      ++bad;
    newest = most;
    version = view.version();
  }
  co_return bad;
}

/// Whether a view of itself is of after the step that was asked for before.
task<value> looks_after_a_step(particle& self, value) {
  const auto before = co_await self.get(self.pid());
  auto step = self.step(batch_ref{});
  const auto after = co_await self.get(self.pid());
  co_await std::move(step);
  const auto later = co_await self.get(self.pid());
  co_return after.version() > before.version()
      && after.version() == later.version();
}

task<value> asks_for_a_stranger(particle& self, value) {
  auto answer = co_await as_expected(self.get(particle_id{99}));
  co_return answer ? "answered" : answer.error().message;
}

viewing_run views_on(small_run& data, std::int64_t particles,
                     std::vector<std::string> sets) {
  add_view_behavior("views", {{"TWICE", looks_twice},
                              {"HOLD", holds},
                              {"BUFFERS", looks_at_buffers},
                              {"ALL", gets_all},
                              {"FILL", fills},
                              {"MIXTURES", looks_for_mixtures},
                              {"AFTER", looks_after_a_step},
                              {"STRANGER", asks_for_a_stranger}});
  return viewing_run{
      config_for_views(data, "views", particles, std::move(sets))};
}

const std::string on_cpu = R"(local.devices=["cpu:0"])";
const std::string on_sim = R"(local.devices=["sim:0"])";
const std::string on_both = R"(local.devices=["cpu:0","sim:0"])";

device_report counted(push_distribution& pd) {
  device_report sum;
  const auto devices = pd.devices().value();
  for (const auto& device : devices) {
    sum.view_hits += device.view_hits;
    sum.view_copies += device.view_copies;
    sum.view_bytes += device.view_bytes;
    sum.disk_bytes_moved += device.disk_bytes_moved;
  }
  return sum;
}

} // namespace

TEST_CASE("views of a particle that has not changed share their memory",
          "[actors][view]") {
  small_run data;
  auto run = views_on(data, 2, {GENERATE(on_cpu, on_sim, on_both)});
  CHECK(run.ask({0}, "TWICE") == value{true});
}

TEST_CASE("a view that is held stays as it was while its particle trains",
          "[actors][view]") {
  small_run data;
  auto run = views_on(
      data, 2, {GENERATE(on_cpu, on_sim, on_both), "local.cache_size=1"});
  CHECK(run.ask({0}, "HOLD")
        == value{value_dict{{"unchanged", true},
                            {"later is newer", true},
                            {"later differs", true}}});
}

TEST_CASE("a view never mixes two versions of a particle", "[actors][view]") {
  small_run data;
  auto run = views_on(data, 4, {GENERATE(on_cpu, on_sim), "local.lanes=2"});
  run.ask({0}, "FILL", 1);
  std::vector<pfuture> running{run.pd->p_launch({0}, "FILL", 200)};
  for (std::uint32_t pid = 1; pid < 4; ++pid)
    running.push_back(run.pd->p_launch({pid}, "MIXTURES", 100));
  const auto done = wait_all(running);
  REQUIRE(done.front());
  for (std::size_t i = 1; i < done.size(); ++i)
    CHECK(done[i] == value{0});
}

TEST_CASE("a view has the buffers of its particle's network",
          "[actors][view]") {
  small_run data;
  auto run = views_on(data, 2, {GENERATE(on_cpu, on_sim)});
  run.ask({1}, "TRAIN", 3);
  const auto seen = run.ask({0}, "BUFFERS");
  const auto state = run.pd->p_state({1}).value();
  std::size_t found = 0;
  for (const auto& [name, blob] : state.others) {
    const auto buffer = seen.at<tensor_blob>(name);
    if (!buffer)
      continue;
    CHECK(*buffer == blob);
    ++found;
  }
  CHECK(found == 3);
  const auto count =
      seen.at<tensor_blob>("statistics.num_batches_tracked").value();
  CHECK(to_tensor(count).value().item<std::int64_t>() == 3);
}

TEST_CASE("a view's network gives the outputs of its particle",
          "[actors][view]") {
  small_run data;
  auto run = views_on(data, 2, {GENERATE(on_cpu, on_sim, on_both)});
  run.ask({1}, "TRAIN", 5);
  CHECK(run.ask({0}, "COMPARE", some_inputs()) == value{true});
}

TEST_CASE("N particles that get all others copy N views", "[actors][view]") {
  constexpr std::uint64_t n = 6;
  small_run data;
  auto run =
      views_on(data, n, {GENERATE(on_cpu, on_sim, on_both), "local.lanes=2"});
  run.ask_all("ALL");
  const auto once = counted(*run.pd);
  CHECK(once.view_copies == n);
  CHECK(once.view_hits == n * (n - 1) - n);
  CHECK(once.view_bytes % n == 0);
  CHECK(once.view_bytes > 0);
  run.ask_all("ALL");
  const auto unchanged = counted(*run.pd);
  CHECK(unchanged.view_copies == n);
  CHECK(unchanged.view_hits == once.view_hits + n * (n - 1));
  run.ask_all("TRAIN", 1);
  run.ask_all("ALL");
  CHECK(counted(*run.pd).view_copies == 2 * n);
}

TEST_CASE("how many views are kept changes what is copied, and no bit",
          "[actors][view]") {
  small_run data;
  // By one lane, one particle after the other.
  const auto seen_with = [&](int view_size, std::uint64_t copies) {
    auto run = views_on(data, 4,
                        {on_cpu, "local.lanes=1",
                         "local.view_size=" + std::to_string(view_size)});
    value_list seen;
    for (int round = 0; round < 2; ++round) {
      run.ask_all("TRAIN", 1);
      for (auto pid : run.pd->particle_ids())
        seen.push_back(run.ask(pid, "ALL"));
    }
    CHECK(counted(*run.pd).view_copies == copies);
    return value{std::move(seen)};
  };
  // Asked for are, in turn, 1 2 3, 0 2 3, 0 1 3 and 0 1 2.
  const auto all = seen_with(0, 8);
  CHECK(seen_with(1, 24) == all);
  CHECK(seen_with(2, 24) == all);
  CHECK(seen_with(4, 8) == all);
}

TEST_CASE("a particle on disk is read once for all views of a version",
          "[actors][view]") {
  constexpr std::uint64_t n = 4;
  small_run data;
  const auto seen_with = [&](std::vector<std::string> sets) {
    sets.push_back("local.cache_size=1");
    auto run = views_on(data, n, std::move(sets));
    run.ask_all("TRAIN", 3);
    const auto look = [&] {
      const auto before = counted(*run.pd).disk_bytes_moved;
      value_list seen;
      for (auto pid : run.pd->particle_ids())
        seen.push_back(run.ask(pid, "ALL"));
      return std::pair{value{std::move(seen)},
                       counted(*run.pd).disk_bytes_moved - before};
    };
    const auto first = look();
    const auto again = look();
    CHECK(again.first == first.first);
    CHECK(again.second == 0);
    CHECK(counted(*run.pd).view_copies == n);
    return first;
  };
  const auto in_memory = seen_with({on_cpu});
  const auto on_disk =
      seen_with({on_cpu, "local.host_bytes=1", "local.disk_bytes=\"1MiB\""});
  CHECK(in_memory.second == 0);
  CHECK(on_disk.second > 0);
  CHECK(on_disk.first == in_memory.first);
}

TEST_CASE("a particle sees itself as its last step has left it",
          "[actors][view]") {
  small_run data;
  auto run = views_on(data, 1, {GENERATE(on_cpu, on_sim)});
  CHECK(run.ask({0}, "AFTER") == value{true});
}

TEST_CASE("there is no view of a particle that does not exist",
          "[actors][view]") {
  small_run data;
  auto run = views_on(data, 1, {on_cpu});
  CHECK(run.ask({0}, "STRANGER") == value{"get: no particle 99"});
}
