#include "apps/posse/bench/particles.hpp"

#include "actors/behavior.hpp"
#include "actors/fuse_choice.hpp"
#include "actors/particle.hpp"
#include "apps/posse/bench/process_status.hpp"
#include "runtime/data/data_library.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

namespace posse::bench {

namespace {

const std::string behavior_name = "bench";

task<value> take_steps(particle& self, value args) {
  const auto steps = value_or_throw(args.to<std::int64_t>("steps"));
  for (std::int64_t i = 0; i < steps; ++i)
    (void)co_await self.step(batch_of_step(i));
  co_return steps;
}

task<value> echo(particle&, value args) {
  co_return args;
}

task<value> ping(particle& self, value args) {
  const auto rounds = value_or_throw(args.to<std::int64_t>("rounds"));
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < rounds; ++i)
    (void)co_await self.send(particle_id{1}, echo_message, i);
  const std::chrono::nanoseconds took =
      std::chrono::steady_clock::now() - start;
  co_return std::int64_t{took.count()};
}

// -- pushing tensors ---------------------------------------------------------

const std::string mark_message = "BENCH_MARK";
const std::string sink_message = "BENCH_SINK";

constexpr std::int64_t tensor_bytes = std::int64_t{16} << 20;

/// Starts the measurement of the largest memory of this process.
void mark_memory(particle& self) {
  std::ofstream{"/proc/self/clear_refs"} << '5';
  self.state()["marked"] = status_bytes("VmRSS");
}

/// What the process took at most since then.
std::int64_t extra_memory(particle& self) {
  const auto marked = self.state()["marked"].to<std::int64_t>("marked");
  return status_bytes("VmHWM") - marked.value_or(0);
}

task<value> mark(particle& self, value) {
  mark_memory(self);
  co_return value{};
}

task<value> sink(particle& self, value args) {
  std::int64_t bytes = 0;
  for (const auto& x : *args.get_if<value_list>())
    bytes += static_cast<std::int64_t>(x.get_if<tensor_blob>()->size_bytes());
  co_return value_dict{{"bytes", bytes}, {"extra", extra_memory(self) - bytes}};
}

/// Tensors of ones, each in memory of its own.
value_list tensors(std::int64_t bytes) {
  value_list out;
  for (; bytes > 0; bytes -= tensor_bytes) {
    const auto count =
        static_cast<std::size_t>(std::min(bytes, tensor_bytes)) / sizeof(float);
    auto elements = std::make_shared<std::vector<float>>(count, 1.0f);
    const auto* data = reinterpret_cast<const std::byte*>(elements->data());
    out.emplace_back(tensor_blob{
        dtype::f32, {static_cast<std::int64_t>(count)}, {elements, data}});
  }
  return out;
}

task<value> push(particle& self, value args) {
  const auto bytes = value_or_throw(args.at<std::int64_t>("bytes"));
  const particle_id to{
      static_cast<std::uint32_t>(value_or_throw(args.at<std::int64_t>("to")))};
  value what = tensors(bytes);
  (void)co_await self.send(to, mark_message);
  mark_memory(self);
  const auto start = std::chrono::steady_clock::now();
  const auto got = co_await self.send(to, sink_message, what);
  const std::chrono::nanoseconds took =
      std::chrono::steady_clock::now() - start;
  if (value_or_throw(got.at<std::int64_t>("bytes")) != bytes)
    co_return fail(errc::backend_error, "push: bytes are missing");
  co_return value_dict{
      {"nanoseconds", std::int64_t{took.count()}},
      {"extra_here", extra_memory(self)},
      {"extra_there", value_or_throw(got.at<std::int64_t>("extra"))}};
}

task<value> latencies(particle& self, value args) {
  const particle_id to{
      static_cast<std::uint32_t>(value_or_throw(args.at<std::int64_t>("to")))};
  std::vector<double> us;
  self.state()["stop"] = false;
  while (self.state()["stop"] == value{false}) {
    const auto start = std::chrono::steady_clock::now();
    (void)co_await self.send(to, echo_message, 1);
    us.push_back(std::chrono::duration<double, std::micro>(
                     std::chrono::steady_clock::now() - start)
                     .count());
  }
  std::ranges::sort(us);
  auto quantile = [&](double q) {
    return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
  };
  co_return value_dict{{"count", static_cast<std::int64_t>(us.size())},
                       {"p50", quantile(0.5)},
                       {"p99", quantile(0.99)},
                       {"max", us.back()}};
}

task<value> stop(particle& self, value) {
  self.state()["stop"] = true;
  co_return value{};
}

const std::map<std::string, handler, std::less<>>& bench_handlers() {
  static const std::map<std::string, handler, std::less<>> all{
      {steps_message, take_steps}, {echo_message, echo},
      {ping_message, ping},        {mark_message, mark},
      {sink_message, sink},        {push_message, push},
      {stop_message, stop},        {latencies_message, latencies}};
  return all;
}

} // namespace

void add_bench_behavior() {
  static const bool added = [] {
    behavior out;
    out.handlers = bench_handlers();
    out.entry = steps_message;
    return behaviors().add(behavior_name, std::move(out)).has_value();
  }();
  static_cast<void>(added);
}

expected<std::unique_ptr<push_distribution>>
start_particles(const workload& work, std::int64_t particles,
                std::int64_t lanes, fuse_mode fuse,
                const cluster_config* cluster) {
  add_bench_behavior();
  auto config = work.config;
  config.infer.particles = particles;
  config.local.lanes = lanes;
  config.run.fuse = fuse;
  if (cluster != nullptr)
    config.cluster = *cluster;
  auto data = open_data(config);
  if (!data)
    return fail(std::move(data));
  auto chosen = choose_fuse(config, *data, trial_cache{});
  if (!chosen)
    return fail(std::move(chosen));
  config.run.fuse = *chosen;
  auto out = push_distribution::start(config);
  if (!out)
    return out;
  for (std::int64_t i = 0; i < particles; ++i) {
    auto pid = (*out)->p_create();
    if (!pid)
      return fail(std::move(pid));
    for (const auto& [msg, unused] : bench_handlers())
      if (auto ok = (*out)->p_register(*pid, msg, behavior_name + "." + msg);
          !ok)
        return fail(std::move(ok));
  }
  return out;
}

expected<void> run_on_all(push_distribution& particles, const std::string& msg,
                          const value& args) {
  std::vector<pfuture> running;
  for (auto pid : particles.particle_ids())
    running.push_back(particles.p_launch(pid, msg, args));
  for (auto& result : particles.p_wait(running))
    if (!result)
      return fail(std::move(result));
  return {};
}

} // namespace posse::bench
