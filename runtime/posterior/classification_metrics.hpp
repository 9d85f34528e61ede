#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/metric.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace posse {

/// The points whose confidence (highest probability) falls into one bin.
struct reliability_bin {
  std::int64_t count{};
  double accuracy{};   ///< share of them that is right; 0 if there are none
  double confidence{}; ///< their average confidence; 0 if there are none

  friend bool operator==(const reliability_bin&,
                         const reliability_bin&) = default;
};

/// How good a classification posterior is on B points; averages over them.
struct classification_metrics {
  double accuracy{};
  double nll{}; ///< -log p[label], nats
  /// Expected calibration error (Guo et al., ICML 2017, eq. 3): the bins'
  /// |accuracy - confidence|, weighted by their counts.
  double ece{};
  double brier{}; ///< sum of (p - onehot)^2 (Brier 1950); in [0, 2]
  double max_calibration_error{}; ///< the largest gap of any bin
  /// Equal-width bins; bin k of n holds k/n < confidence <= (k+1)/n.
  std::vector<reliability_bin> reliability;
};

/// accuracy, nll, ece, brier, then max_calibration_error.
metric_list to_list(const classification_metrics& x);

/// Bins of the reliability table unless told otherwise, as in Guo et al.
inline constexpr std::int64_t default_reliability_bins = 15;

/// @param confidence [B], each in [0, 1] but for rounding.
/// @param right [B], nonzero where the prediction is right.
/// @param bins > 0.
std::vector<reliability_bin>
reliability_table(std::span<const double> confidence,
                  std::span<const std::uint8_t> right,
                  std::int64_t bins = default_reliability_bins);

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
