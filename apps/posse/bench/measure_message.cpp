#include "apps/posse/bench/bench_nodes.hpp"
#include "apps/posse/bench/caf_pair.hpp"
#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/particles.hpp"
#include "apps/posse/bench/workload.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace posse::bench {

namespace {

constexpr std::int64_t local_rounds = 100'000;
constexpr std::int64_t remote_rounds = 1'000;

constexpr std::int64_t pushed_bytes = std::int64_t{256} << 20;
constexpr double mib = 1024.0 * 1024.0;

using particles_ptr = std::shared_ptr<push_distribution>;

contender make(std::string system, std::string where, std::int64_t lanes,
               std::int64_t rounds, std::function<expected<double>()> repeat) {
  row result{"message", std::move(system), std::move(where), 2, lanes};
  result.steps = rounds;
  return {std::move(result), std::move(repeat)};
}

contender of_caf(std::string where, std::int64_t lanes, std::int64_t rounds,
                 std::shared_ptr<caf_pair> pair) {
  return make(
      "caf", std::move(where), lanes, rounds,
      [pair = std::move(pair), rounds] { return pair->rounds(rounds); });
}

contender of_posse(std::string where, std::int64_t lanes, std::int64_t rounds,
                   particles_ptr run) {
  return make(
      "posse", std::move(where), lanes, rounds,
      [run = std::move(run), rounds]() -> expected<double> {
        auto took = run->p_launch(particle_id{0}, ping_message, rounds).wait();
        if (!took)
          return fail(std::move(took));
        return took->to<std::int64_t>("nanoseconds").map([&](auto ns) {
          return static_cast<double>(ns) * 1e-3 / static_cast<double>(rounds);
        });
      });
}

expected<std::vector<row>> in_one_process(const workload& work,
                                          const options& opts) {
  std::vector<contender> contenders;
  for (auto lanes : opts.lanes) {
    auto pair = caf_pair::here(lanes);
    if (!pair)
      return fail(std::move(pair));
    contenders.push_back(
        of_caf("local", lanes, local_rounds, std::move(*pair)));
    auto started = start_particles(work, 2, lanes);
    if (!started)
      return fail(std::move(started));
    contenders.push_back(
        of_posse("local", lanes, local_rounds, std::move(*started)));
  }
  return interleave(std::move(contenders), opts.repetitions);
}

/// One lane a process; particles 0 and 2 on the first node, 1 and 3 on the
/// second.
expected<std::vector<row>> between_processes(const particles_ptr& run,
                                             const options& opts) {
  constexpr std::int64_t lanes = 1;
  auto pair = caf_pair::apart(lanes + 1); // as posse: one for the network
  if (!pair)
    return fail(std::move(pair));
  std::vector<contender> contenders;
  contenders.push_back(
      of_caf("remote", lanes, remote_rounds, std::move(*pair)));
  contenders.push_back(of_posse("remote", lanes, remote_rounds, run));
  return interleave(std::move(contenders), opts.repetitions);
}

/// Pushes tensors from particle 0 to 1, while 2 asks 3 for echoes.
expected<row> push(const particles_ptr& run, const options& opts) {
  auto latencies =
      run->p_launch(particle_id{2}, latencies_message, value_dict{{"to", 3}});
  const value order = value_dict{{"bytes", pushed_bytes}, {"to", 1}};
  std::vector<double> us;
  double extra_here = 0;
  double extra_there = 0;
  for (std::size_t i = 0; i < opts.repetitions; ++i) {
    auto took = run->p_launch(particle_id{0}, push_message, order).wait();
    if (!took)
      return fail(std::move(took));
    auto number = [&](const char* key) {
      return static_cast<double>(took->at<std::int64_t>(key).value_or(0));
    };
    us.push_back(number("nanoseconds") * 1e-3);
    extra_here = std::max(extra_here, number("extra_here"));
    extra_there = std::max(extra_there, number("extra_there"));
  }
  if (auto told = run->p_launch(particle_id{2}, stop_message).wait(); !told)
    return fail(std::move(told));
  auto seen = latencies.wait();
  if (!seen)
    return fail(std::move(seen));
  row out{"message", "push", "256MiB", 2, 1};
  out.steps = 1;
  summarise(std::move(us), out);
  auto latency = [&](const char* key) {
    return seen->at<double>(key).value_or(0);
  };
  out.more = {{"bytes_per_second",
               static_cast<double>(pushed_bytes) / out.us_median * 1e6},
              {"sender_extra_mib", extra_here / mib},
              {"receiver_extra_mib", extra_there / mib},
              {"request_p50_us", latency("p50")},
              {"request_p99_us", latency("p99")}};
  return out;
}

} // namespace

expected<std::vector<row>> measure_message(const options& opts) {
  auto work = make_workload("mlp13", "deep_ensemble");
  if (!work)
    return fail(std::move(work));
  auto rows = in_one_process(*work, opts);
  if (!rows)
    return rows;
  auto nodes = bench_nodes::start(2, 1, opts.by_network);
  if (!nodes)
    return fail(std::move(nodes));
  constexpr std::int64_t particles = 4;
  auto started = start_particles(*work, particles, 1, fuse_mode::off,
                                 &(*nodes)->cluster());
  if (!started)
    return fail(std::move(started));
  const particles_ptr run{std::move(*started)};
  auto remote = between_processes(run, opts);
  if (!remote)
    return remote;
  std::ranges::move(*remote, std::back_inserter(*rows));
  auto pushed = push(run, opts);
  if (!pushed)
    return fail(std::move(pushed));
  rows->push_back(std::move(*pushed));
  return rows;
}

} // namespace posse::bench
