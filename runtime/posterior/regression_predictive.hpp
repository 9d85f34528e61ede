#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace posse {

/// What M members say about B points: each a Gaussian, or, with a `point`
/// head, a number.
struct regression_members {
  at::Tensor means;                    ///< [M, B], any float dtype
  std::optional<at::Tensor> variances; ///< [M, B], > 0; absent: a point head

  /// `count` members from `first` on, alone.
  regression_members members(std::int64_t first, std::int64_t count) const;
};

/// The ensemble's prediction: the equal mixture of its members
/// (Lakshminarayanan et al., NeurIPS 2017, section 2.4). All [B] float64.
struct regression_predictive {
  /// What takes a variance to know.
  struct density {
    at::Tensor variance;           ///< aleatoric + epistemic
    at::Tensor aleatoric_variance; ///< mean of the members' variances
    at::Tensor q05;                ///< quantiles of the mixture, to 1e-10 of
    at::Tensor q50;                ///< its smallest deviation
    at::Tensor q95;
  };

  at::Tensor mean;
  at::Tensor epistemic_variance; ///< of the members' means, divided by M
  std::optional<density> gaussian;
};

/// @returns errc::invalid_argument for tensors that do not fit together or a
///   variance that is not > 0; errc::non_finite naming the member and the
///   point of a NaN or infinity.
expected<regression_predictive>
predict_regression(const regression_members& members);

/// The members' tensors as predict_regression() and the metrics use them:
/// float64, contiguous, on the CPU. Errors as there.
expected<regression_members> checked_members(const regression_members& members);

} // namespace posse
