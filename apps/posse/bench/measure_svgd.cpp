#include "apps/posse/bench/bench_nodes.hpp"
#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/peers.hpp"
#include "apps/posse/bench/plain.hpp"
#include "apps/posse/bench/workload.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/posterior/svgd.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>

namespace posse::bench {

namespace {

using nodes_ptr = std::shared_ptr<const bench_nodes>;

constexpr std::int64_t warm_up_steps = 2;

/// Microseconds an iteration of the matrix form.
double time_matrix(plain_ensemble& nets, const workload& work,
                   std::int64_t steps) {
  const auto start = clock::now();
  for (std::int64_t i = 0; i < steps; ++i)
    nets.svgd_step(work.batches[static_cast<std::size_t>(i % fixed_batches)]);
  return us_since(start) / static_cast<double>(steps);
}

/// Rows as particles have them: each a tensor of its own.
std::vector<at::Tensor> random_rows(std::int64_t count, std::int64_t length) {
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back(at::randn({length}));
  return rows;
}

std::function<expected<double>()>
repeat_kernel(std::int64_t particles, std::int64_t length, std::int64_t steps) {
  return [theta = random_rows(particles, length),
          score = random_rows(particles, length),
          phi = random_rows(particles, length), steps]() -> expected<double> {
    const auto start = clock::now();
    for (std::int64_t i = 0; i < steps; ++i)
      if (auto done =
              svgd_direction(theta, score, median_pairs_bandwidth{}, phi);
          !done)
        return fail(std::move(done));
    return us_since(start) / static_cast<double>(steps);
  };
}

/// The svgd behaviour, from the particles' first state in each repetition: its
/// leader marks them as trained at the end.
expected<std::function<expected<double>()>>
repeat_posse(const workload& work, std::int64_t particles, std::int64_t lanes,
             std::int64_t steps, nodes_ptr nodes = {}) {
  auto started = start_particles(work, particles, lanes, fuse_mode::automatic,
                                 nodes ? &nodes->cluster() : nullptr);
  if (!started)
    return fail(std::move(started));
  std::shared_ptr<push_distribution> run{std::move(*started)};
  std::vector<particle_snapshot> first_states;
  for (auto pid : run->particle_ids()) {
    auto state = run->p_state(pid);
    if (!state)
      return fail(std::move(state));
    first_states.push_back(std::move(*state));
  }
  auto args = *run->plan().entry_args.get_if<value_dict>();
  args["steps"] = steps;
  return [nodes, run, first_states = std::move(first_states),
          args = std::move(args), steps]() -> expected<double> {
    for (const auto& state : first_states)
      if (auto done = run->p_restore(state); !done)
        return fail(std::move(done));
    const auto start = clock::now();
    auto done = run->p_launch(particle_id{0}, run->plan().entry, args).wait();
    if (!done)
      return fail(std::move(done));
    return us_since(start) / static_cast<double>(steps);
  };
}

/// How many iterations fill a repetition on this thread.
std::int64_t steps_a_repetition(plain_ensemble& nets, const workload& work) {
  time_matrix(nets, work, warm_up_steps);
  const auto us = time_matrix(nets, work, warm_up_steps);
  return std::max(static_cast<std::int64_t>(repetition_us / us), warm_up_steps);
}

expected<std::vector<row>> compare(const workload& work, std::int64_t particles,
                                   const options& opts, peers* others) {
  std::shared_ptr<plain_ensemble> nets;
  std::int64_t steps = 0;
  std::int64_t threads_steps = 0;
  auto prepared = guarded("matrix", [&] {
    nets = std::make_shared<plain_ensemble>(work, particles);
    steps = steps_a_repetition(*nets, work);
    // Threads that wait for one another can be slower by far.
    with_all_cores([&] { threads_steps = steps_a_repetition(*nets, work); });
  });
  if (!prepared)
    return fail(std::move(prepared));

  auto make = [&](std::string system, std::int64_t lanes, std::int64_t count,
                  std::function<expected<double>()> repeat) {
    row result{"svgd", std::move(system), work.model, particles, lanes};
    result.steps = count;
    return contender{std::move(result), std::move(repeat)};
  };
  std::vector<contender> contenders;
  contenders.push_back(make("matrix", 1, steps, [&work, nets, steps] {
    return guarded("matrix", [&] { return time_matrix(*nets, work, steps); });
  }));
  contenders.push_back(make("matrix-threads", all_cores(), threads_steps,
                            [&work, nets, threads_steps] {
                              return guarded("matrix-threads", [&] {
                                double us = 0;
                                with_all_cores([&] {
                                  time_matrix(*nets, work, 1);
                                  us = time_matrix(*nets, work, threads_steps);
                                });
                                return us;
                              });
                            }));
  contenders.push_back(make("kernel", 1, steps,
                            repeat_kernel(particles, nets->length(), steps)));
  for (auto lanes : opts.lanes) {
    auto repeat = repeat_posse(work, particles, lanes, steps);
    if (!repeat)
      return fail(std::move(repeat));
    contenders.push_back(make("posse", lanes, steps, std::move(*repeat)));
  }
  for (auto count : opts.nodes) {
    auto nodes =
        bench_nodes::start(static_cast<std::size_t>(count), 1, opts.by_network);
    if (!nodes)
      return fail(std::move(nodes));
    auto repeat = repeat_posse(work, particles, 1, steps, std::move(*nodes));
    if (!repeat)
      return fail(std::move(repeat));
    contenders.push_back(make("posse-" + std::to_string(count) + "-nodes", 1,
                              steps, std::move(*repeat)));
  }
  if (auto done = join(others, {"svgd", "", work.model, particles},
                       unit_of_work::iteration, contenders);
      !done)
    return fail(std::move(done));
  return interleave(std::move(contenders), opts.repetitions);
}

} // namespace

expected<std::vector<row>> measure_svgd(const options& opts) {
  auto others = start_peers(opts);
  if (!others)
    return fail(std::move(others));
  std::vector<row> out;
  for (const auto& model : opts.models) {
    auto work = make_workload(model, "svgd");
    if (!work)
      return fail(std::move(work));
    for (auto particles : opts.particles) {
      auto rows = compare(*work, particles, opts, others->get());
      if (!rows)
        return rows;
      std::ranges::move(*rows, std::back_inserter(out));
    }
  }
  return out;
}

} // namespace posse::bench
