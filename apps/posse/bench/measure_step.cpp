#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/measure_cells.hpp"
#include "apps/posse/bench/particle_steps.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/peers.hpp"
#include "apps/posse/bench/plain.hpp"
#include "apps/posse/bench/workload.hpp"
#include "runtime/core/guarded.hpp"

#include <algorithm>
#include <utility>

namespace posse::bench {

namespace {

constexpr std::int64_t warm_up_steps = 4;

/// Microseconds a particle-step, of `steps` steps of each network.
double time_plain(plain_ensemble& nets, const workload& work,
                  std::int64_t particles, std::int64_t steps) {
  const auto start = clock::now();
  for (std::int64_t i = 0; i < steps; ++i)
    nets.step(work.batches[static_cast<std::size_t>(i % fixed_batches)]);
  return us_since(start) / static_cast<double>(particles * steps);
}

/// How many steps of all networks fill a repetition on this thread.
std::int64_t steps_a_repetition(plain_ensemble& nets, const workload& work,
                                std::int64_t particles) {
  time_plain(nets, work, particles, warm_up_steps);
  const auto us = time_plain(nets, work, particles, warm_up_steps)
                  * static_cast<double>(particles);
  return std::max(static_cast<std::int64_t>(repetition_us / us), warm_up_steps);
}

expected<std::vector<row>> compare(const workload& work, std::int64_t particles,
                                   const options& opts, peers* others) {
  std::shared_ptr<plain_ensemble> nets;
  std::int64_t steps = 0;
  std::int64_t threads_steps = 0;
  auto prepared = guarded("bare", [&] {
    nets = std::make_shared<plain_ensemble>(work, particles);
    steps = steps_a_repetition(*nets, work, particles);
    // Threads that wait for one another can be slower by far.
    with_all_cores(
        [&] { threads_steps = steps_a_repetition(*nets, work, particles); });
  });
  if (!prepared)
    return fail(std::move(prepared));

  auto make = [&](std::string system, std::int64_t lanes, std::int64_t count,
                  std::function<expected<double>()> repeat) {
    row result{"step", std::move(system), work.model, particles, lanes};
    result.steps = count;
    return contender{std::move(result), std::move(repeat)};
  };
  std::vector<contender> contenders;
  contenders.push_back(make("bare", 1, steps, [&work, nets, particles, steps] {
    return guarded("bare",
                   [&] { return time_plain(*nets, work, particles, steps); });
  }));
  contenders.push_back(
      make("bare-threads", all_cores(), threads_steps,
           [&work, nets, particles, threads_steps] {
             return guarded("bare-threads", [&] {
               double us = 0;
               with_all_cores([&] {
                 time_plain(*nets, work, particles, warm_up_steps);
                 us = time_plain(*nets, work, particles, threads_steps);
               });
               return us;
             });
           }));
  for (auto lanes : opts.lanes)
    for (const auto& [system, fuse] :
         {std::pair{"posse-unfused", fuse_mode::off},
          std::pair{"posse", fuse_mode::automatic}}) {
      auto started = start_particles(work, particles, lanes, fuse);
      if (!started)
        return fail(std::move(started));
      auto run = std::shared_ptr<push_distribution>{std::move(*started)};
      auto warm = time_particle_steps(*run, particles, steps);
      if (!warm)
        return fail(std::move(warm));
      // As long as the others' repetitions, however much faster.
      const auto own_steps = steps_of_repetition(*warm, particles);
      contenders.push_back(
          make(system, lanes, own_steps, [run, particles, own_steps] {
            return time_particle_steps(*run, particles, own_steps);
          }));
    }
  if (auto done = join(others, {"step", "", work.model, particles},
                       unit_of_work::particle_step, contenders);
      !done)
    return fail(std::move(done));
  return interleave(std::move(contenders), opts.repetitions);
}

} // namespace

expected<std::vector<row>> measure_step(const options& opts) {
  return measure_cells(opts, "deep_ensemble", compare);
}

} // namespace posse::bench
