#pragma once

#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/tensor_value.hpp"
#include "test/actors/small_run.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/simulated_fixture.hpp"

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Particles that train, and look at one another's views.
namespace posse::test {

/// Takes `args` steps.
inline task<value> take_steps(particle& self, value args) {
  const auto steps = value_or_throw(args.to<std::int64_t>("steps"));
  for (std::int64_t i = 0; i < steps; ++i)
    co_await self.step(batch_ref{});
  co_return value{};
}

inline task<value> outputs_for(particle& self, value args) {
  auto x = value_or_throw(args.to<tensor_blob>("inputs"));
  co_return co_await self.forward(std::move(x));
}

/// The outputs of the network that a view gives.
inline value outputs_of(const particle_view& view, const tensor_blob& x) {
  const at::NoGradGuard no_grad;
  const auto net = value_or_throw(view.view());
  const auto inputs = value_or_throw(to_tensor(x));
  return value_or_throw(to_blob(net->forward(inputs)));
}

/// Whether the first other particle's view computes for `args` what it does.
inline task<value> compares(particle& self, value args) {
  const auto other = self.other_particles().front();
  const auto view = co_await self.get(other);
  const std::string msg = "OUTPUTS";
  const auto outputs = co_await self.send(other, msg, args);
  co_return outputs
      == outputs_of(view, value_or_throw(args.to<tensor_blob>("inputs")));
}

/// Registers them, with `more` handlers, as the behaviour `name`.
inline void add_view_behavior(const std::string& name,
                              std::map<std::string, handler> more) {
  if (behaviors().find(name))
    return;
  behavior out;
  out.exchanges_scores = true; // so that there are gradients
  for (auto& [msg, each] : more)
    out.handlers.emplace(msg, std::move(each));
  out.handlers.emplace("TRAIN", take_steps);
  out.handlers.emplace("OUTPUTS", outputs_for);
  out.handlers.emplace("COMPARE", compares);
  REQUIRE(behaviors().add(name, std::move(out)));
}

/// A run of particles of a network with buffers that act as `behaviour` says.
inline run_config config_for_views(small_run& data,
                                   const std::string& behaviour,
                                   std::int64_t particles,
                                   std::vector<std::string> sets = {}) {
  auto config = data.config("deep_ensemble", particles, 100, std::move(sets));
  config.infer.algorithm = behaviour;
  config.model.kind = add_normalized_network();
  config.model.head = "point";
  config.infer.loss = "mse";
  config.infer.validation_fraction = 0;
  return config;
}

inline tensor_blob some_inputs() {
  return to_blob(at::arange(-3, 3, at::kFloat).view({3, 2})).value();
}

/// Particles in a run on one node.
class viewing_run {
public:
  explicit viewing_run(const run_config& config) {
    auto started = push_distribution::start(config);
    if (!started)
      FAIL(started.error().message);
    pd = std::move(*started);
    create_all(*pd);
  }

  /// What the handler `msg` of a particle answers.
  value ask(particle_id pid, const std::string& msg, value args = {}) {
    auto answer = pd->p_launch(pid, msg, std::move(args)).wait();
    if (!answer)
      FAIL(answer.error().message);
    return *answer;
  }

  /// The same of all particles at once.
  std::vector<value> ask_all(const std::string& msg, const value& args = {}) {
    std::vector<pfuture> running;
    for (auto pid : pd->particle_ids())
      running.push_back(pd->p_launch(pid, msg, args));
    std::vector<value> out;
    for (auto& answer : wait_all(running)) {
      if (!answer)
        FAIL(answer.error().message);
      out.push_back(std::move(*answer));
    }
    return out;
  }

  std::unique_ptr<push_distribution> pd;
};

} // namespace posse::test
