#include "actors/behaviors/hmc.hpp"

#include "actors/behaviors/train_args.hpp"
#include "actors/particle.hpp"

#include <algorithm>
#include <optional>

namespace posse {

namespace {

struct chain_record {
  std::int64_t kept{0}; ///< transitions after the burn-in
  std::int64_t diverged{0};
  double accepted{0}; ///< sum
  double step_size{0};
  double loss{0};

  void add(const transition_ack& done, bool counts) {
    step_size = double{done.step_size};
    if (!counts)
      return;
    ++kept;
    accepted += double{done.accepted};
    diverged += done.diverged ? 1 : 0;
  }
};

task<value> sample(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  const auto leapfrogs = value_or_throw(args.at<std::int64_t>("leapfrogs"));
  const auto wanted = value_or_throw(args.at<double>("wanted"));
  const auto rows = value_or_throw(args.at<double>("train_rows"));
  auto at = co_await self.cursor();
  const auto from = at.steps;
  chain_record record;
  while (!at.finished && at.steps < plan.steps && !self.paused()) {
    std::optional<transition_ack> done;
    try {
      done = co_await self.transition(leapfrogs, wanted, plan.burn_in);
    } catch (const task_failed& failed) {
      rethrow_unless_diverged(failed);
    }
    if (!done) {
      at = co_await self.give_up();
      break;
    }
    at.steps = static_cast<std::int64_t>(done->step);
    record.add(*done, at.steps > plan.burn_in);
    record.loss = double{done->potential} / rows;
    if (plan.collects_after(at.steps))
      (void)co_await self.collect();
    self.report(at.steps, plan.steps, record.loss);
  }
  if (!at.finished && at.steps >= plan.steps)
    at = co_await self.finish();
  const auto kept = static_cast<double>(std::max<std::int64_t>(record.kept, 1));
  value_dict chain{{"pid", std::int64_t{self.pid().number}},
                   {"from", from},
                   {"to", at.steps},
                   {"kept", record.kept},
                   {"accepted", record.accepted / kept},
                   {"step_size", record.step_size},
                   {"diverged", record.diverged}};
  co_return value_dict{{"steps", at.steps},
                       {"finished", at.finished},
                       {"loss", record.loss},
                       {"chain", std::move(chain)}};
}

} // namespace

behavior hmc() {
  behavior out{{{"TRAIN", sample}}};
  out.posterior = "samples";
  out.keeps_best = false;
  out.steps_on_batches = false;
  out.optimizer = "sgd"; // of which only the learning rate counts
  return out;
}

} // namespace posse
