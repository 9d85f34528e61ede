#include "apps/posse/bench/bench_nodes.hpp"
#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/measure_cells.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/peers.hpp"
#include "apps/posse/bench/plain.hpp"
#include "apps/posse/bench/workload.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/helping_threads.hpp"
#include "runtime/posterior/svgd.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>

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

/// The direction alone, over the scores, by as many threads as a device with
/// `lanes` has for it. If `close`, the first two particles are one and the
/// same.
class kernel_alone {
public:
  kernel_alone(std::int64_t particles, std::int64_t length, std::int64_t lanes,
               bool close)
      : theta_{random_rows(particles, length)}, score_{random_rows(particles,
                                                                   length)},
        help_{std::make_shared<helping_threads>(
            static_cast<std::size_t>(lanes - 1))} {
    if (close && particles > 1)
      theta_[1].copy_(theta_[0]);
  }

  /// Microseconds a direction.
  expected<double> time(std::int64_t steps) const {
    const help_scope scope{*help_};
    const auto start = clock::now();
    for (std::int64_t i = 0; i < steps; ++i)
      if (auto done =
              svgd_direction(theta_, score_, median_pairs_bandwidth{}, score_);
          !done)
        return fail(std::move(done));
    return us_since(start) / static_cast<double>(steps);
  }

private:
  std::vector<at::Tensor> theta_;
  std::vector<at::Tensor> score_;
  std::shared_ptr<helping_threads> help_;
};

using timed_steps = std::function<expected<double>(std::int64_t)>;

/// Something that takes steps and says how many microseconds one took, as
/// often as fills a repetition.
expected<contender> contender_of(row result, timed_steps time) {
  auto us = time(warm_up_steps);
  if (us)
    us = time(warm_up_steps);
  if (!us)
    return fail(std::move(us));
  result.steps =
      std::max(static_cast<std::int64_t>(repetition_us / *us), warm_up_steps);
  const auto steps = result.steps;
  return contender{std::move(result),
                   [time = std::move(time), steps] { return time(steps); }};
}

/// The svgd behaviour, from the particles' first state in each repetition: its
/// leader marks them as trained at the end.
expected<timed_steps> time_posse(const workload& work, std::int64_t particles,
                                 std::int64_t lanes, nodes_ptr nodes = {}) {
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
  return [nodes, run, first_states = std::move(first_states),
          args = *run->plan().entry_args.get_if<value_dict>()](
             std::int64_t steps) mutable -> expected<double> {
    for (const auto& state : first_states)
      if (auto done = run->p_restore(state); !done)
        return fail(std::move(done));
    args["steps"] = steps;
    args["discrepancy"] = false; // the last of few steps would be another one
    const auto start = clock::now();
    auto done = run->p_launch(particle_id{0}, run->plan().entry, args).wait();
    if (!done)
      return fail(std::move(done));
    return us_since(start) / static_cast<double>(steps);
  };
}

expected<std::vector<row>> compare(const workload& work, std::int64_t particles,
                                   const options& opts, peers* others) {
  std::shared_ptr<plain_ensemble> nets;
  auto prepared = guarded("matrix", [&] {
    nets = std::make_shared<plain_ensemble>(work, particles);
  });
  if (!prepared)
    return fail(std::move(prepared));

  auto row_of = [&](std::string system, std::int64_t lanes) {
    return row{"svgd", std::move(system), work.model, particles, lanes};
  };
  std::vector<contender> contenders;
  auto add = [&](row result, timed_steps time) -> expected<void> {
    auto made = contender_of(std::move(result), std::move(time));
    if (!made)
      return fail(std::move(made));
    contenders.push_back(std::move(*made));
    return {};
  };
  auto add_posse = [&](row result, nodes_ptr started) -> expected<void> {
    auto time = time_posse(work, particles, result.lanes, std::move(started));
    if (!time)
      return fail(std::move(time));
    return add(std::move(result), std::move(*time));
  };
  auto matrix = [&work, nets](std::int64_t steps) {
    return guarded("matrix", [&] { return time_matrix(*nets, work, steps); });
  };
  if (auto done = add(row_of("matrix", 1), matrix); !done)
    return fail(std::move(done));
  auto with_threads = [matrix](std::int64_t steps) {
    expected<double> us;
    with_all_cores([&] {
      us = matrix(1);
      if (us)
        us = matrix(steps);
    });
    return us;
  };
  if (auto done = add(row_of("matrix-threads", all_cores()), with_threads);
      !done)
    return fail(std::move(done));
  for (auto lanes : opts.lanes) {
    for (const bool close : {false, true}) {
      const kernel_alone kernel{particles, nets->length(), lanes, close};
      if (auto done =
              add(row_of(close ? "kernel-close" : "kernel", lanes),
                  [kernel](std::int64_t count) { return kernel.time(count); });
          !done)
        return fail(std::move(done));
    }
    if (auto done = add_posse(row_of("posse", lanes), {}); !done)
      return fail(std::move(done));
  }
  for (auto count : opts.nodes) {
    auto started =
        bench_nodes::start(static_cast<std::size_t>(count), 1, opts.by_network);
    if (!started)
      return fail(std::move(started));
    if (auto done =
            add_posse(row_of("posse-" + std::to_string(count) + "-nodes", 1),
                      std::move(*started));
        !done)
      return fail(std::move(done));
  }
  if (auto done = join(others, {"svgd", "", work.model, particles},
                       unit_of_work::iteration, contenders);
      !done)
    return fail(std::move(done));
  return interleave(std::move(contenders), opts.repetitions);
}

} // namespace

expected<std::vector<row>> measure_svgd(const options& opts) {
  return measure_cells(opts, "svgd", compare);
}

} // namespace posse::bench
