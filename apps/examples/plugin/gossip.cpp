#include "parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <actors/behaviors/train_args.hpp>
#include <actors/particle.hpp>
#include <algorithm>
#include <runtime/model/tensor_value.hpp>

namespace gossip {

namespace {

using namespace posse;

constexpr std::int64_t steps_between = 50;

/// Asks every particle, this one included, and waits for all.
task<value> ask_all(particle& self, std::string msg, value args) {
  std::vector<response<value>> asked;
  for (auto pid : self.particle_ids())
    asked.push_back(self.send(pid, msg, args));
  auto answers = co_await when_all(std::move(asked));
  co_return value{std::move(answers)};
}

/// Has neighbours exchange: 0 with 1, 2 with 3, ... in even rounds, 1 with 2,
/// ... in odd ones. Two particles meet in every round.
task<value> exchange_all(particle& self, std::int64_t round) {
  const auto pids = self.particle_ids();
  const std::size_t first = pids.size() > 2 && round % 2 == 1 ? 1 : 0;
  std::vector<response<value>> asked;
  for (auto i = first; i + 1 < pids.size(); i += 2) {
    value neighbour = std::int64_t{pids[i + 1].number};
    asked.push_back(self.send(pids[i], "EXCHANGE", std::move(neighbour)));
  }
  auto answers = co_await when_all(std::move(asked));
  co_return value{std::move(answers)};
}

task<value> lead(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  auto at = co_await self.cursor();
  double loss = 0;
  while (!at.finished && at.steps < plan.steps && !self.paused()) {
    auto part = plan;
    part.steps = std::min(at.steps + steps_between, plan.steps);
    value order = to_dict(part);
    const auto losses = co_await ask_all(self, "TRAIN", std::move(order));
    (void)co_await exchange_all(self, at.steps / steps_between);
    at.steps = part.steps;
    loss = 0;
    for (const auto& each : *losses.get_if<value_list>())
      loss += value_or_throw(each.to<double>("loss"));
    loss /= static_cast<double>(self.particle_ids().size());
    self.report(at.steps, plan.steps, loss);
  }
  if (!at.finished && at.steps >= plan.steps) {
    (void)co_await ask_all(self, "FINISH", value{});
    at.finished = true;
  }
  co_return value_dict{
      {"steps", at.steps}, {"finished", at.finished}, {"loss", loss}};
}

task<value> train(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  auto at = co_await self.cursor();
  double loss = 0;
  while (at.steps < plan.steps) {
    const auto done = co_await self.step(plan.batch(at.steps, self.pid()));
    at.steps = static_cast<std::int64_t>(done.step);
    loss = done.loss;
  }
  co_return loss;
}

value mean_of(const particle_view& a, const particle_view& b) {
  value_list out;
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    const auto sum = value_or_throw(to_tensor(a.parameters()[i]))
                     + value_or_throw(to_tensor(b.parameters()[i]));
    out.emplace_back(value_or_throw(to_blob(sum / 2)));
  }
  return out;
}

/// Writes tensors, one a parameter, into a particle's module.
void write(const value& tensors, seated_module& module) {
  const auto list = value_or_throw(tensors.to<value_list>("parameters"));
  const at::NoGradGuard no_graph;
  for (std::size_t i = 0; i < module.parameters().size(); ++i) {
    const auto blob = value_or_throw(list.at(i).to<tensor_blob>("parameter"));
    module.parameters()[i].copy_(value_or_throw(to_tensor(blob)));
  }
}

task<value> adopt(particle& self, value args) {
  // Named: GCC 12 destroys a temporary with captures inside a co_await twice.
  auto take = [args](seated_module& module) { write(args, module); };
  auto done = co_await self.with_module(std::move(take));
  co_return done;
}

task<value> exchange(particle& self, value args) {
  const auto number = value_or_throw(args.to<std::int64_t>("neighbour"));
  const particle_id neighbour{static_cast<std::uint32_t>(number)};
  const auto own = co_await self.get(self.pid());
  const auto theirs = co_await self.get(neighbour);
  const auto mean = mean_of(own, theirs);
  (void)co_await self.send(neighbour, "ADOPT", mean);
  auto done = co_await adopt(self, mean);
  co_return done;
}

task<value> finish(particle& self, value) {
  const auto at = co_await self.finish();
  co_return at.steps;
}

} // namespace

behavior gossip() {
  behavior out;
  out.handlers = {{"GOSSIP", lead},
                  {"TRAIN", train},
                  {"EXCHANGE", exchange},
                  {"ADOPT", adopt},
                  {"FINISH", finish}};
  out.entry = "GOSSIP";
  out.led = true;
  return out;
}

} // namespace gossip
