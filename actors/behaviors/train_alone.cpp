#include "actors/behaviors/train_alone.hpp"

#include "actors/behaviors/train_args.hpp"
#include "actors/particle.hpp"

#include <optional>

namespace posse {

task<value> train_alone(particle& self, value args) {
  const auto plan = value_or_throw(train_args_from_value(args));
  auto at = co_await self.cursor();
  double loss = 0;
  while (!at.finished && at.steps < plan.steps && !self.paused()) {
    std::optional<step_ack> done;
    try {
      done = co_await self.step(plan.batch(at.steps, self.pid()));
    } catch (const task_failed& failed) {
      rethrow_unless_diverged(failed);
    }
    if (!done) {
      at = co_await self.give_up();
      break;
    }
    at.steps = static_cast<std::int64_t>(done->step);
    loss = done->loss;
    std::optional<double> validation;
    if (plan.validates_after(at.steps)) {
      const auto measured = co_await self.validate();
      validation = measured.score;
    }
    if (plan.collects_after(at.steps))
      (void)co_await self.collect();
    self.report(at.steps, plan.steps, loss, validation);
  }
  if (!at.finished && at.steps >= plan.steps)
    at = co_await self.finish();
  co_return value_dict{
      {"steps", at.steps}, {"finished", at.finished}, {"loss", loss}};
}

} // namespace posse
