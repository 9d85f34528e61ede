#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/metric.hpp"
#include "runtime/posterior/regression_predictive.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

/// How unlike the members of an ensemble predict. A member that predicts with
/// several draws is their mixture, as in the metrics of members.
///
/// Members are *collapsed* where all of them predict the same, however they
/// came to: the ensemble is then no better than one of them. The measure is the
/// predictive's own scale, never the data's units, and the bound a thousandth
/// of it: the members' disagreement then makes less than a millionth of the
/// predictive's variance, which is about what single precision resolves, while
/// networks that trained from unlike starts differ by a hundredth and more.
namespace posse {

inline constexpr double collapse_tolerance = 1e-3;

/// Averages over B points.
struct classification_diversity {
  /// Share of the points where two members predict unlike classes, averaged
  /// over the distinct pairs (Fort et al., arXiv 1912.02757, section 4); in
  /// [0, 1].
  double disagreement{};
  /// KL divergence of two members' probabilities, in nats, averaged over both
  /// directions and the distinct pairs; finite where probabilities underflow.
  double pairwise_kl{};
  /// Whether the members' log probabilities deviate from their average by at
  /// most collapse_tolerance nats, as root mean square of members, points and
  /// classes. Not by the KL divergence, which vanishes for unlike networks too
  /// if they are sure of the same classes.
  bool collapsed{};
};

/// Averages over B points.
struct regression_diversity {
  /// What takes a variance to know.
  struct density {
    /// KL divergence of two members' Gaussians, in nats, averaged over both
    /// directions and the distinct pairs. Of a member with several draws, the
    /// Gaussian with their mixture's mean and variance: between mixtures it has
    /// no closed form.
    double pairwise_kl{};
    /// Epistemic over total standard deviation of the predictive, in [0, 1]:
    /// what of a point's uncertainty is disagreement of all networks, draws of
    /// one member among them.
    double epistemic_ratio{};
  };

  /// Root mean square of points and members of how far a member's mean lies
  /// from the ensemble's, in the targets' units.
  double spread{};
  std::optional<density> gaussian;
  /// Whether pairwise_kl is at most collapse_tolerance squared: it is half the
  /// squared distance of the means in standard deviations where the variances
  /// are equal. With a point head: whether `spread` is at most
  /// collapse_tolerance times the standard deviation of the ensemble's mean
  /// over the points; or, of a constant, the rounding of the average.
  bool collapsed{};
};

/// disagreement, pairwise_kl.
metric_list to_list(const classification_diversity& x);

/// spread, then pairwise_kl, epistemic_ratio but for a point head.
metric_list to_list(const regression_diversity& x);

/// @param logits [M * draws, B, C], any float dtype; M > 1.
/// @param draws Networks that lie side by side and are one member; > 0.
/// @returns errc::invalid_argument for another shape, or fewer than two
///   members; errc::non_finite for a NaN or infinity.
expected<classification_diversity>
evaluate_classification_diversity(const at::Tensor& logits,
                                  std::int64_t draws = 1);

/// @param members Of M * draws networks, M > 1.
/// @param predictive What predict_regression() made of `members`.
/// @returns errors as above.
expected<regression_diversity>
evaluate_regression_diversity(const regression_members& members,
                              const regression_predictive& predictive,
                              std::int64_t draws = 1);

} // namespace posse
