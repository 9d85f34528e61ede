#include "actors/behaviors/svgd.hpp"

#include "actors/behaviors/train_args.hpp"
#include "actors/particle.hpp"
#include "runtime/posterior/annealing.hpp"
#include "runtime/posterior/svgd_kernel.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

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

/// The rule of the group and what it is told each step.
class update_plan {
public:
  /// @throws task_failed if an argument is not what it should be.
  explicit update_plan(const value& args) {
    const auto kernel = value_or_throw(parse_kernel_kind(
        value_or_throw(args.at_or<std::string>("kernel", "rbf"))));
    rule_ = kernel == kernel_kind::rbf ? "svgd" : "svgd_linear";
    bandwidth_ = value_or_throw(args.at_or<std::string>("bandwidth", "median"));
    annealing_ = value_or_throw(parse_annealing(
        value_or_throw(args.at_or<std::string>("annealing", "none"))));
    discrepancy_ = value_or_throw(args.at_or<bool>("discrepancy", true));
  }

  const std::string& rule() const noexcept { return rule_; }
  /// What the rule is told in the step after `done` others.
  value args(const train_args& plan, std::int64_t done) const {
    return value_dict{
        {"bandwidth", bandwidth_},
        {"gamma", annealing_weight(annealing_, done, plan.steps)},
        {"discrepancy", discrepancy_ && plan.logs_after(done + 1)}};
  }

private:
  std::string rule_;
  std::string bandwidth_;
  annealing annealing_{annealing::none};
  bool discrepancy_{true};
};

/// The particles whose scores are numbers, and their losses.
struct scored_particles {
  std::vector<particle_id> pids;
  std::vector<double> losses;

  double mean_loss() const {
    double sum = 0;
    for (const auto loss : losses)
      sum += loss;
    return sum / static_cast<double>(losses.size());
  }
};

/// @param answers Of each particle, in the run's order: its loss, or none if it
///   has diverged.
/// @throws task_failed if all have.
scored_particles scored(const particle& self, const value& answers) {
  const auto all = value_or_throw(answers.to<value_list>("losses"));
  const auto& pids = self.particle_ids();
  scored_particles out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].is_none())
      continue;
    out.pids.push_back(pids[i]);
    out.losses.push_back(value_or_throw(all[i].to<double>("loss")));
  }
  if (out.pids.empty())
    throw task_failed{{errc::non_finite, "all particles have diverged"}};
  return out;
}

task<value> lead(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  const update_plan update{args};
  auto at = co_await self.cursor();
  value_dict diagnostics;
  value_list log;
  while (!at.finished && at.steps < plan.steps && !self.paused()) {
    value batch = to_value(plan.batch(at.steps, self.pid()));
    const auto answers = co_await ask_all(self, step_message, std::move(batch));
    const auto group = scored(self, answers);
    value rule = update.args(plan, at.steps);
    const auto gamma = value_or_throw(rule.at<double>("gamma"));
    const auto moved =
        co_await self.update_group(update.rule(), group.pids, std::move(rule));
    ++at.steps;
    diagnostics = value_or_throw(moved.to<value_dict>("svgd"));
    diagnostics["loss"] = group.mean_loss();
    diagnostics["gamma"] = gamma;
    diagnostics["step"] = at.steps;
    if (plan.logs_after(at.steps))
      log.emplace_back(diagnostics);
    self.report_all(at.steps, plan.steps, group.pids, group.losses);
  }
  if (!at.finished && at.steps >= plan.steps) {
    (void)co_await ask_all(self, finish_message, value{});
    at.finished = true;
  }
  diagnostics["log"] = std::move(log);
  diagnostics["steps"] = at.steps;
  diagnostics["finished"] = at.finished;
  co_return diagnostics;
}

task<value> step(particle& self, value args) {
  const auto batch = value_or_throw(batch_ref_from_value(args));
  std::optional<gradient_ack> ack;
  try {
    ack = co_await self.score(batch);
  } catch (const task_failed& failed) {
    rethrow_unless_diverged(failed);
  }
  if (ack)
    co_return double{ack->loss};
  // Again in each step: a resumed run finds it so, too.
  (void)co_await self.give_up();
  co_return value{};
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
