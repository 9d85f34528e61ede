#include "runtime/compute/fuse_trial.hpp"

#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/compute/trial_particle.hpp"
#include "runtime/data/batch_source.hpp"
#include "runtime/store/particle_store.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace posse {

namespace {

constexpr int rounds = 5; // the first one is for warming up

/// Microseconds of `work`, which returns an `expected<void>`.
template <class Work>
expected<double> time(Work work) {
  const auto start = std::chrono::steady_clock::now();
  if (auto done = work(); !done)
    return fail(std::move(done));
  const std::chrono::duration<double, std::micro> took =
      std::chrono::steady_clock::now() - start;
  return took.count();
}

} // namespace

expected<fuse_trial> try_groups(std::shared_ptr<const compiled_recipe> recipe,
                                std::shared_ptr<const data_set> data,
                                std::int64_t batch_rows,
                                std::size_t particles) {
  const auto count = std::min(particles, largest_group(*recipe));
  particle_store store{{.capacity = count, .prefetch = false}};
  std::vector<seated_particle> all;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto made = trial_particle(store, recipe, i);
    if (!made)
      return fail(std::move(made));
    all.push_back(*made);
  }
  auto rows = batch_source{std::move(data), batch_rows, 0}.at({});
  if (!rows)
    return fail(std::move(rows));

  auto one_by_one = [&]() -> expected<void> {
    for (const auto& p : all)
      if (auto done = train_step(p, rows->inputs, rows->targets); !done)
        return fail(std::move(done));
    return {};
  };
  auto together = [&]() -> expected<void> {
    for (auto& done : train_group(all, {&*rows, 1}))
      if (!done)
        return fail(std::move(done));
    return {};
  };
  constexpr auto never = std::numeric_limits<double>::infinity();
  fuse_trial out{never, never};
  for (int round = 0; round < rounds; ++round) {
    auto apart_us = time(one_by_one);
    if (!apart_us)
      return fail(std::move(apart_us));
    auto together_us = time(together);
    if (!together_us)
      return fail(std::move(together_us));
    if (round == 0)
      continue;
    const auto n = static_cast<double>(count);
    out.one_by_one_us = std::min(out.one_by_one_us, *apart_us / n);
    out.together_us = std::min(out.together_us, *together_us / n);
  }
  return out;
}

} // namespace posse
