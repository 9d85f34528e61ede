#include "apps/posse/chain_summary.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/chain_diagnostics.hpp"

#include <ATen/ATen.h>

namespace posse {

namespace {

/// [networks, B]: what is asked of each network at each row.
at::Tensor quantities_of(const regression_answer& answer) {
  return answer.members.means;
}

at::Tensor quantities_of(const classification_answer& answer) {
  const auto probabilities = answer.logits.softmax(2);
  const auto predicted = answer.predictive.predicted.view({1, -1, 1});
  return probabilities
      .gather(2, predicted.expand({probabilities.size(0), -1, 1}))
      .squeeze(2);
}

double median_of(const at::Tensor& x) {
  return x.quantile(0.5).item<double>();
}

} // namespace

expected<std::optional<chain_summary>>
summarize_chains(const posterior_answer& answer) {
  return guarded("chains", [&]() -> expected<std::optional<chain_summary>> {
    const auto draws =
        std::visit([](const auto& x) { return x.draws; }, answer);
    if (draws < least_draws_to_diagnose)
      return std::optional<chain_summary>{};
    const auto all =
        std::visit([](const auto& x) { return quantities_of(x); }, answer);
    auto done = diagnose_chains(all.reshape({-1, draws, all.size(1)}));
    if (!done)
      return fail(std::move(done));
    chain_summary out;
    out.chains = all.size(0) / draws;
    out.draws = draws;
    out.r_hat_median = median_of(done->r_hat);
    out.r_hat_worst = done->r_hat.max().item<double>();
    out.effective_median = median_of(done->effective_draws);
    out.effective_least = done->effective_draws.min().item<double>();
    return std::optional<chain_summary>{out};
  });
}

nlohmann::ordered_json to_json(const chain_summary& x) {
  return {{"chains", x.chains},
          {"draws", x.draws},
          {"r_hat", {{"median", x.r_hat_median}, {"worst", x.r_hat_worst}}},
          {"effective_draws",
           {{"median", x.effective_median}, {"least", x.effective_least}}}};
}

} // namespace posse
