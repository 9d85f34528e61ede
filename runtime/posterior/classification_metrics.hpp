#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/metric.hpp"
#include "runtime/posterior/reliability.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace posse {

/// How good a classification posterior is on B points; averages over them.
struct classification_metrics {
  double accuracy{};
  double nll{}; ///< -log p[label], nats
  /// Expected calibration error (Guo et al., ICML 2017, eq. 3): the bins'
  /// |accuracy - confidence|, weighted by their counts.
  double ece{};
  double brier{}; ///< sum of (p - onehot)^2 (Brier 1950); in [0, 2]
  double max_calibration_error{}; ///< the largest gap of any bin
  /// The same error as `ece` on as many bins of equal mass: the adaptive scheme
  /// of Nixon et al. (CVPR Workshops 2019, section 3) for the top class alone.
  /// Ties and remainders are as bins_of_equal_mass() says.
  double ece_equal_mass{};
  /// Of equal width, those of `ece`.
  std::vector<reliability_bin> reliability;
};

/// accuracy, nll, ece, brier, then max_calibration_error, ece_equal_mass.
metric_list to_list(const classification_metrics& x);

/// Bins of the reliability table unless told otherwise, as in Guo et al.
inline constexpr std::int64_t default_reliability_bins = 15;

/// @param labels [B] int64, each in [0, C).
/// @param bins > 0.
/// @returns errc::invalid_argument for labels that do not fit, or no bins.
expected<classification_metrics>
evaluate_classification(const classification_predictive& predictive,
                        const at::Tensor& labels,
                        std::int64_t bins = default_reliability_bins);

/// The metrics of each member alone, in order.
/// @param logits [M, B, C]; errors as of predict_classification() too.
/// @param draws Members that lie side by side and count as one, their mixture;
///   > 0, and divides M.
expected<std::vector<classification_metrics>> evaluate_classification_members(
    const at::Tensor& logits, const at::Tensor& labels, std::int64_t draws = 1,
    std::int64_t bins = default_reliability_bins);

} // namespace posse
