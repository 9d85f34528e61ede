#pragma once

#include "messages/failure.hpp"
#include "runtime/checkpoint/prediction_file.hpp"
#include "runtime/data/data_encoding.hpp"
#include "runtime/data/data_set.hpp"
#include "runtime/model/head.hpp"
#include "runtime/posterior/calibration.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/metric.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace posse {

/// What the networks of all particles say about B rows, each alone and all
/// together, in original units: `draws` a particle, side by side.
struct regression_answer : regression_ensemble {
  std::int64_t draws{1};
};
struct classification_answer {
  at::Tensor logits; ///< [particles * draws, B, C] float64
  classification_predictive predictive;
  std::int64_t draws{1};
};
using posterior_answer = std::variant<regression_answer, classification_answer>;

/// Puts the particles' outputs together, in double.
///
/// @param outputs Raw outputs of each particle, in pid order: [B, K], or
///   [draws, B, K]; of one shape, at least one.
/// @returns errc::non_finite naming the member of a NaN or infinity;
///   errc::invalid_argument for outputs that do not fit together.
expected<posterior_answer> combine(std::span<const at::Tensor> outputs,
                                   head_kind head,
                                   const data_encoding& encoding);

/// Numbers of rows in their file, and what is true of them: in original units,
/// or classes.
struct answered_rows {
  std::vector<std::int64_t> numbers;
  std::optional<std::vector<double>> targets;
};

/// Those of a part of the data.
answered_rows rows_of(const data_set& data, data_part part);

/// The answer as columns of a predictions file.
prediction_table tabulate(const posterior_answer& answer,
                          const answered_rows& rows);

/// How unlike the particles predict.
struct member_diversity {
  metric_list figures;
  bool collapsed{false}; ///< they are alike
};

/// How good the answer is.
struct test_metrics {
  metric_list ensemble;
  std::vector<metric_list> members;          ///< of each particle, in pid order
  std::optional<member_diversity> diversity; ///< of more than one particle
};

/// @param targets One a row, in original units or classes.
/// @returns errc::non_finite or errc::invalid_argument.
expected<test_metrics> measure(const posterior_answer& answer,
                               const std::vector<double>& targets);

using answer_calibration =
    std::variant<regression_calibration, classification_calibration>;

/// What the answer to validation rows tells of that to test rows.
/// @param validation, test Of the same particles.
/// @returns errors of posse::calibrate().
expected<answer_calibration> calibrate_answer(
    const posterior_answer& validation, const std::vector<double>& targets,
    const posterior_answer& test, const std::vector<double>& test_targets);

} // namespace posse
