#include "actors/behaviors/laplace.hpp"

#include "actors/behaviors/train_alone.hpp"
#include "actors/particle.hpp"

#include <utility>

namespace posse {

namespace {

task<value> train_and_fit(particle& self, value args) {
  auto trained = co_await train_alone(self, std::move(args));
  auto result = value_or_throw(trained.to<value_dict>("training"));
  const auto at = co_await self.cursor();
  if (!at.finished || at.diverged)
    co_return result;
  const auto fitted = co_await self.fit();
  result["laplace"] =
      value_dict{{"pid", std::int64_t{self.pid().number}},
                 {"prior_precision", double{fitted.prior_precision}},
                 {"log_evidence", double{fitted.log_evidence}}};
  co_return result;
}

} // namespace

behavior laplace() {
  behavior out{{{"TRAIN", train_and_fit}}};
  out.posterior = "laplace";
  return out;
}

} // namespace posse
