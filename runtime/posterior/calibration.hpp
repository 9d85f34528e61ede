#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/conformal.hpp"
#include "runtime/posterior/regression_metrics.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace posse {

/// Share of new targets that the conformal regions below may miss.
inline constexpr double conformal_miss = 0.1;

/// What a classification posterior gains on the test rows by what its
/// validation rows tell.
struct classification_calibration {
  std::int64_t validation_rows{};
  double temperature{};         ///< see fit_temperature()
  classification_metrics after; ///< at that temperature
  /// Of the predictive as it is: a temperature from the same rows would break
  /// what the sets promise.
  conformal_quality sets;
};

/// The same of a regression posterior.
struct regression_calibration {
  struct scaling {
    double factor{};          ///< see fit_deviation_scale()
    regression_metrics after; ///< with the deviations times that
  };

  std::int64_t validation_rows{};
  std::optional<scaling> deviations; ///< absent: a point head has none
  /// The same whatever the deviations' factor, which cancels.
  conformal_quality intervals;
};

/// An ensemble on some rows, and what predict_regression() makes of it.
struct regression_ensemble {
  regression_members members;
  regression_predictive predictive;
};

/// @param validation, labels Of the rows to calibrate by: [V] int64.
/// @param test, test_labels Of those to measure on: [B] int64.
/// @returns errors of fit_temperature(), evaluate_classification() and
///   conformal_quantile().
expected<classification_calibration>
calibrate(const classification_predictive& validation, const at::Tensor& labels,
          const classification_predictive& test, const at::Tensor& test_labels);

/// @param validation, targets Of the rows to calibrate by: [V], any float
///   dtype, in the members' units.
/// @param test, test_targets Of those to measure on: [B].
/// @returns errors of fit_deviation_scale(), evaluate_regression() and
///   conformal_quantile().
expected<regression_calibration>
calibrate(const regression_ensemble& validation, const at::Tensor& targets,
          const regression_ensemble& test, const at::Tensor& test_targets);

} // namespace posse
