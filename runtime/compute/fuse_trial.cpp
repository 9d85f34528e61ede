#include "runtime/compute/fuse_trial.hpp"

#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/compute/trial_particle.hpp"
#include "runtime/data/batch_source.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/store/particle_store.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

namespace posse {

namespace {

// The first round is for warming up. Others follow until both ways together
// have taken so long, which outlasts what else a machine does for a moment.
constexpr int least_rounds = 5;
constexpr double least_us = 20e3;
// Of larger networks, as many as take so long one by one stand for all.
constexpr double round_us = 20e3;

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

/// The shortest times of both, which take a step with each of `particles`.
template <class Plain, class Fused>
expected<fuse_trial> in_turns(Plain plain, Fused fused, std::size_t particles) {
  constexpr auto never = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(particles);
  fuse_trial out{never, never};
  double taken_us = 0;
  for (int round = 0; round < least_rounds || taken_us < least_us; ++round) {
    auto plain_us = time(plain);
    if (!plain_us)
      return fail(std::move(plain_us));
    auto fused_us = time(fused);
    if (!fused_us)
      return fail(std::move(fused_us));
    if (round == 0)
      continue;
    taken_us += *plain_us + *fused_us;
    out.plain_us = std::min(out.plain_us, *plain_us / n);
    out.fused_us = std::min(out.fused_us, *fused_us / n);
  }
  return out;
}

expected<batch> rows_of(std::shared_ptr<const data_set> data,
                        std::int64_t count) {
  return batch_source{std::move(data), count, 0}.at({});
}

/// A step of one particle.
struct single_step {
  seated_particle particle;
  const batch& rows;

  expected<void> operator()() const {
    return train_step(particle, rows.inputs, rows.targets)
        .map([](const step_report&) {});
  }
};

} // namespace

expected<fuse_trial> try_groups(std::shared_ptr<const compiled_recipe> recipe,
                                std::shared_ptr<const data_set> data,
                                std::int64_t batch_rows,
                                std::size_t particles) {
  auto rows = rows_of(std::move(data), batch_rows);
  if (!rows)
    return fail(std::move(rows));
  const auto most = std::min(particles, largest_group(*recipe));
  particle_store store{{.capacity = most, .prefetch = false}};
  std::vector<seated_particle> all;
  auto count = most;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto made = trial_particle(store, recipe, i);
    if (!made)
      return fail(std::move(made));
    all.push_back(*made);
    if (i > 0)
      continue;
    const single_step step{all.front(), *rows};
    auto us = time(step);
    if (us) // the first one warmed up
      us = time(step);
    if (!us)
      return fail(std::move(us));
    if (*us * static_cast<double>(most) > round_us)
      count =
          std::max(static_cast<std::size_t>(round_us / *us), std::size_t{2});
  }

  auto one_by_one = [&]() -> expected<void> {
    for (const auto& p : all)
      if (auto done = single_step{p, *rows}(); !done)
        return done;
    return {};
  };
  auto together = [&]() -> expected<void> {
    for (auto& done : train_group(all, {&*rows, 1}))
      if (!done)
        return fail(std::move(done));
    return {};
  };
  return in_turns(one_by_one, together, count);
}

expected<fuse_trial> try_parts(std::shared_ptr<const compiled_recipe> recipe,
                               std::shared_ptr<const data_set> data,
                               std::int64_t batch_rows, std::size_t lanes) {
  auto undivided = recipe->source;
  undivided.batch_parts = 1;
  auto as_whole = compile(undivided, recipe->train_rows);
  if (!as_whole)
    return fail(std::move(as_whole));
  particle_store store{{.capacity = 2, .prefetch = false}};
  auto whole = trial_particle(store, *as_whole, 0);
  if (!whole)
    return fail(std::move(whole));
  auto in_parts = trial_particle(store, recipe, 1);
  if (!in_parts)
    return fail(std::move(in_parts));
  auto rows = rows_of(std::move(data), batch_rows);
  if (!rows)
    return fail(std::move(rows));

  helping_threads help{lanes - 1};
  const help_scope scope{help};
  return in_turns(single_step{*whole, *rows}, single_step{*in_parts, *rows}, 1);
}

} // namespace posse
