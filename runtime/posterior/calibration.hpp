#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/conformal.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace posse {

/// Share of new targets that the conformal regions below may miss.
inline constexpr double conformal_miss = 0.1;

/// What a classification posterior gains on the test rows by what its
/// validation rows tell.
struct classification_calibration {
  std::int64_t validation_rows{};
  double temperature{};          ///< see fit_temperature()
  classification_metrics before; ///< of the predictive as it is
  classification_metrics after;  ///< at that temperature
  /// Of the predictive as it is: a temperature from the same rows would break
  /// what the sets promise.
  conformal_quality sets;
};

/// The same of a regression posterior.
struct regression_calibration {
  std::int64_t validation_rows{};
  conformal_quality intervals;
};

/// @param validation, labels Of the rows to calibrate by: [V] int64.
/// @param test, test_labels Of those to measure on: [B] int64.
/// @returns errors of fit_temperature(), evaluate_classification() and
///   conformal_quantile().
expected<classification_calibration>
calibrate(const classification_predictive& validation, const at::Tensor& labels,
          const classification_predictive& test, const at::Tensor& test_labels);

/// @param validation, targets Of the rows to calibrate by: [V], any float
/// dtype,
///   in the predictive's units.
/// @param test, test_targets Of those to measure on: [B].
expected<regression_calibration>
calibrate(const regression_predictive& validation, const at::Tensor& targets,
          const regression_predictive& test, const at::Tensor& test_targets);

} // namespace posse
