#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/metric.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

namespace posse {

/// How good a regression posterior is on B points; each an average over them,
/// in the units of the targets (nll in nats).
struct regression_metrics {
  /// What takes a variance to know.
  struct density {
    /// Negative log density of the mixture of members.
    double nll{};
    /// Of the one Gaussian with the mixture's mean and variance: what the
    /// tables of Lakshminarayanan et al. (NeurIPS 2017) show.
    double nll_moment{};
    double crps{};        ///< of the mixture; lower is better
    double crps_moment{}; ///< of that one Gaussian
    /// Share of targets in [q05, q95]: 0.9 where calibrated.
    double coverage_90{};
    /// Mean width of [q05, q95] (Gneiting et al., JRSS B 2007): at equal
    /// coverage, smaller is better.
    double sharpness_90{};
    /// Mean interval score of [q05, q95] (Gneiting and Raftery, JASA 2007, eq.
    /// 43): its width, and 20 times what a target is outside of it.
    double interval_score_90{};
  };

  double rmse{}; ///< of the mixture's mean
  double mae{};  ///< of the mixture's mean
  std::optional<density> gaussian;
};

/// rmse, nll, nll_moment, crps, coverage_90, then mae, crps_moment,
/// sharpness_90, interval_score_90; what a point head cannot know is left out.
metric_list to_list(const regression_metrics& x);

/// @param predictive What predict_regression() made of `members`.
/// @param targets [B], any float dtype, in the units of `members`.
/// @returns errc::invalid_argument for tensors that do not fit together;
///   errc::non_finite for a NaN or infinity among them.
expected<regression_metrics>
evaluate_regression(const regression_members& members,
                    const regression_predictive& predictive,
                    const at::Tensor& targets);

/// The metrics of each member alone, in order; errors as above.
/// @param draws Members that lie side by side and count as one, their mixture;
///   > 0, and divides their number.
expected<std::vector<regression_metrics>>
evaluate_regression_members(const regression_members& members,
                            const at::Tensor& targets, std::int64_t draws = 1);

} // namespace posse
