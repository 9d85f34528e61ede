#include "apps/posse/bench/particles.hpp"

#include "actors/behavior.hpp"
#include "actors/particle.hpp"

#include <chrono>

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

/// Makes the handlers known to the process, once.
void add_behavior() {
  static const bool added = [] {
    behavior out;
    out.handlers = {{steps_message, take_steps},
                    {echo_message, echo},
                    {ping_message, ping}};
    out.entry = steps_message;
    return behaviors().add(behavior_name, std::move(out)).has_value();
  }();
  static_cast<void>(added);
}

} // namespace

expected<std::unique_ptr<push_distribution>>
start_particles(const workload& work, std::int64_t particles,
                std::int64_t lanes) {
  add_behavior();
  auto config = work.config;
  config.infer.particles = particles;
  config.local.lanes = lanes;
  auto out = push_distribution::start(config);
  if (!out)
    return out;
  for (std::int64_t i = 0; i < particles; ++i) {
    auto pid = (*out)->p_create();
    if (!pid)
      return fail(std::move(pid));
    for (const auto* msg : {steps_message, echo_message, ping_message})
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
