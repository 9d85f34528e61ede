#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/particle_steps.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/process_status.hpp"
#include "apps/posse/bench/workload.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace posse::bench {

namespace {

constexpr std::int64_t warm_up_steps = 4;
// So that launching is spread over as many steps as between two validations of
// a run, in order of magnitude.
constexpr std::int64_t least_steps = 32;

/// A run of `particles`; what its start took stands in the row.
expected<contender> started(const workload& work, std::int64_t particles,
                            std::int64_t lanes) {
  const auto before = status_bytes("VmRSS");
  const auto start = clock::now();
  auto made = start_particles(work, particles, lanes, fuse_mode::automatic);
  if (!made)
    return fail(std::move(made));
  const auto start_us = us_since(start);
  auto run = std::shared_ptr<push_distribution>{std::move(*made)};
  auto warm = time_particle_steps(*run, particles, warm_up_steps);
  if (!warm)
    return fail(std::move(warm));
  row result{"scale", "posse", work.model, particles, lanes};
  result.steps = std::max(steps_of_repetition(*warm, particles), least_steps);
  result.more.emplace_back("start_seconds", start_us * 1e-6);
  result.more.emplace_back("rss_bytes_per_particle",
                           static_cast<double>(status_bytes("VmRSS") - before)
                               / static_cast<double>(particles));
  return contender{std::move(result), [run, particles, steps = result.steps] {
                     return time_particle_steps(*run, particles, steps);
                   }};
}

} // namespace

expected<std::vector<row>> measure_scale(const options& opts) {
  std::vector<row> out;
  for (const auto& model : opts.models) {
    auto work = make_workload(model, "deep_ensemble");
    if (!work)
      return fail(std::move(work));
    for (auto lanes : opts.lanes) {
      std::vector<contender> contenders;
      for (auto particles : opts.particles) {
        auto made = started(*work, particles, lanes);
        if (!made)
          return fail(std::move(made));
        contenders.push_back(std::move(*made));
      }
      auto rows = interleave(std::move(contenders), opts.repetitions);
      if (!rows)
        return rows;
      std::ranges::move(*rows, std::back_inserter(out));
    }
  }
  return out;
}

} // namespace posse::bench
