#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

/// Split conformal prediction: regions that hold a new target with a given
/// probability whatever the network, if its row and the n rows that the region
/// is fitted on are exchangeable and no network has trained on them.
namespace posse {

/// The ceil((n + 1) (1 - miss))-th smallest of n scores; infinite if there are
/// fewer. A new score is at most that with probability >= 1 - miss, and
/// < 1 - miss + 1 / (n + 1) if there are no ties (Lei et al., JASA 2018,
/// algorithm 2 and theorem 2.2). Products within 1e-9 of a whole number count
/// as that number.
///
/// @param scores [n], any float dtype, n > 0.
/// @param miss alpha, in (0, 1).
/// @returns errc::invalid_argument, errc::non_finite.
expected<double> conformal_quantile(const at::Tensor& scores, double miss);

/// |target - mean| / standard deviation of the predictive (Lei et al., section
/// 5.2); with a point head |target - mean|. The region of a threshold q is the
/// interval mean -+ q standard deviations.
/// @param targets [B], any float dtype. @returns [B] float64.
expected<at::Tensor> conformal_scores(const regression_predictive& predictive,
                                      const at::Tensor& targets);

/// -log p[label]. The region of a threshold q are the classes of -log p <= q:
/// the least ambiguous sets (LAC; Sadinle et al., JASA 2019, section 2), the
/// same as by their score 1 - p, but told apart where p is nearly 0 or 1. They
/// have the fewest classes on average of all that cover as much, need no
/// random numbers as adaptive sets do (Romano et al., NeurIPS 2020), and may
/// be empty.
/// @param labels [B] int64, each in [0, C). @returns [B] float64.
expected<at::Tensor>
conformal_scores(const classification_predictive& predictive,
                 const at::Tensor& labels);

/// How good regions are on B points.
struct conformal_quality {
  double coverage{}; ///< share of the targets in their regions
  /// Mean width of the intervals in the targets' units, or mean number of
  /// classes; infinite for intervals of an infinite threshold.
  double size{};
};

/// Regions of threshold `q`, which conformal_quantile() gave, on other rows.
/// @returns errors of conformal_scores().
expected<conformal_quality>
evaluate_conformal(const regression_predictive& predictive,
                   const at::Tensor& targets, double q);
expected<conformal_quality>
evaluate_conformal(const classification_predictive& predictive,
                   const at::Tensor& labels, double q);

} // namespace posse
