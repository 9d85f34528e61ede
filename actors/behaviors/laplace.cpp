#include "actors/behaviors/laplace.hpp"

#include "actors/behaviors/train_alone.hpp"
#include "actors/particle.hpp"

#include <optional>
#include <utility>

namespace posse {

namespace {

/// Makes the particle's posterior. @returns none if it is no number.
task<std::optional<fit_ack>> fit(particle& self) {
  std::optional<fit_ack> out;
  try {
    out = co_await self.fit();
  } catch (const task_failed& failed) {
    rethrow_unless_diverged(failed);
  }
  co_return out;
}

task<value> train_and_fit(particle& self, value args) {
  const auto trained = co_await train_alone(self, std::move(args));
  auto result = value_or_throw(trained.to<value_dict>("training"));
  const auto at = co_await self.cursor();
  if (!at.finished || at.diverged)
    co_return result;
  if (self.paused()) {
    // A checkpoint first: the fit can be made again, training cannot.
    result["finished"] = false;
    co_return result;
  }
  const auto fitted = co_await fit(self);
  if (!fitted) {
    (void)co_await self.give_up();
    co_return result;
  }
  result["laplace"] =
      value_dict{{"pid", std::int64_t{self.pid().number}},
                 {"prior_precision", double{fitted->prior_precision}},
                 {"log_evidence", double{fitted->log_evidence}}};
  co_return result;
}

} // namespace

behavior laplace() {
  behavior out{{{"TRAIN", train_and_fit}}};
  out.posterior = "laplace";
  return out;
}

} // namespace posse
