#include "actors/behaviors/svgd.hpp"

#include "actors/behaviors/train_args.hpp"
#include "actors/particle.hpp"

#include <vector>

namespace posse {

namespace {

const std::string rule_name = "svgd";
const std::string step_message = "SVGD_STEP";
const std::string finish_message = "SVGD_FINISH";

/// Asks every particle of the run, this one included, and waits for all.
task<value> ask_all(particle& self, std::string msg, value args) {
  std::vector<response<value>> answers;
  answers.reserve(self.particle_ids().size());
  for (auto pid : self.particle_ids())
    answers.push_back(self.send(pid, msg, args));
  auto results = co_await when_all(std::move(answers));
  co_return value(std::move(results)); // braces would nest the list
}

task<value> lead(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  const value rule = value_dict{
      {"bandwidth",
       value_or_throw(args.at_or<std::string>("bandwidth", "median"))}};
  auto at = co_await self.cursor();
  value_dict diagnostics;
  while (!at.finished && at.steps < plan.steps && !self.paused()) {
    value batch = to_value(plan.batch(at.steps, self.pid()));
    const auto losses = co_await ask_all(self, step_message, std::move(batch));
    const auto moved =
        co_await self.update_group(rule_name, self.particle_ids(), rule);
    ++at.steps;
    diagnostics = value_or_throw(moved.to<value_dict>("svgd"));
    std::vector<double> each;
    double sum = 0;
    for (const auto& loss : *losses.get_if<value_list>()) {
      each.push_back(value_or_throw(loss.to<double>("loss")));
      sum += each.back();
    }
    diagnostics["loss"] = sum / static_cast<double>(each.size());
    self.report_all(at.steps, plan.steps, each);
  }
  if (!at.finished && at.steps >= plan.steps) {
    (void)co_await ask_all(self, finish_message, value{});
    at.finished = true;
  }
  diagnostics["steps"] = at.steps;
  diagnostics["finished"] = at.finished;
  co_return diagnostics;
}

task<value> step(particle& self, value args) {
  const auto batch = value_or_throw(batch_ref_from_value(args));
  const auto ack = co_await self.score(batch);
  co_return double{ack.loss};
}

task<value> finish(particle& self, value) {
  const auto at = co_await self.finish();
  co_return at.steps;
}

} // namespace

behavior svgd() {
  behavior out;
  out.handlers = {
      {"SVGD_LEADER", lead}, {step_message, step}, {finish_message, finish}};
  out.entry = "SVGD_LEADER";
  out.led = true;
  out.exchanges_scores = true;
  return out;
}

} // namespace posse
