#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <span>
#include <string_view>

/// PusH's ways to make one prediction of many: what `posterior_pred` answers
/// for each name in its `mode` argument. Members are stacked along axis 1, as
/// there. Results are float64 but where a line says otherwise.
namespace posse {

/// Reduces stacked predictions. Fails with errc::invalid_argument for another
/// shape or dtype than its group takes.
using posterior_mode_function =
    expected<at::Tensor> (*)(const at::Tensor& predictions);

struct posterior_mode {
  std::string_view name;
  posterior_mode_function apply;
};

/// Predictions [B, M, ...] of numbers, any float dtype, M > 0.
namespace regression_modes {
expected<at::Tensor> mean(const at::Tensor& predictions);
/// Of an even number of members the mean of the two middle ones (torch.median,
/// and so PusH, takes the lower one).
expected<at::Tensor> median(const at::Tensor& predictions);
expected<at::Tensor> min(const at::Tensor& predictions);
expected<at::Tensor> max(const at::Tensor& predictions);
/// Divided by M - 1; NaN for one member, whose spread is not known.
expected<at::Tensor> standard_deviation(const at::Tensor& predictions);
/// The predictions as they are, [B, M, ...].
expected<at::Tensor> pred(const at::Tensor& predictions);
} // namespace regression_modes

/// Logits [B, M, C], any float dtype, M > 0.
namespace classification_modes {
/// The logits as they are, [B, M, C].
expected<at::Tensor> logits(const at::Tensor& logits);
/// Each member's probabilities, [B, M, C].
expected<at::Tensor> prob(const at::Tensor& logits);
/// Their average, [B, C].
expected<at::Tensor> mean_prob(const at::Tensor& logits);
/// The class most members vote for, [B] int64; of a tie, the lowest.
expected<at::Tensor> mode(const at::Tensor& logits);
/// Of the members' probabilities, [B, C], divided by M - 1; NaN for M = 1.
expected<at::Tensor> standard_deviation(const at::Tensor& logits);
} // namespace classification_modes

/// mean, median, min, max, std, pred.
std::span<const posterior_mode> all_regression_modes();
/// logits, prob, mean_prob, mode, std.
std::span<const posterior_mode> all_classification_modes();

/// The mode called `name`; errc::unknown_name listing those there are.
expected<posterior_mode_function> find_regression_mode(std::string_view name);
expected<posterior_mode_function>
find_classification_mode(std::string_view name);

} // namespace posse
