#pragma once

#include "messages/failure.hpp"
#include "runtime/store/particle_layout.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

/// The arithmetic of Laplace's approximation (MacKay, Neural Computation 1992;
/// Daxberger et al., NeurIPS 2021): a Gaussian around the parameters theta of a
/// trained network with covariance (H + precision I)^-1, where H is the
/// curvature of the negative log likelihood of all training rows, and the prior
/// of each parameter is N(0, 1 / precision).
namespace posse {

/// What a particle keeps of its fit beside the covariance: two numbers, the
/// prior's precision and the log evidence.
posterior_row laplace_fit_row();

/// What the evidence says of D parameters.
struct laplace_evidence {
  at::Tensor curvatures;   ///< [D] float64: eigenvalues of H, >= 0
  double squared_norm{};   ///< |theta|^2
  double log_likelihood{}; ///< of all rows at theta, nats

  /// log p(y) up to Laplace's approximation, nats: log likelihood + log prior
  /// at theta, + D/2 log 2 pi, - log det(H + precision I) / 2.
  ///
  /// @param precision > 0.
  double log_evidence(double precision) const;

  /// The precision of highest evidence, theta and H as they are. It solves
  /// MacKay's precision |theta|^2 = sum_i h_i / (h_i + precision) (eq. 4.9),
  /// of which the left side rises and the right side falls: there is one,
  /// looked for in [1e-6, 1e6].
  double best_precision() const;
};

/// The precisions among which validation rows choose, ascending: 1e-4 to 1e4 in
/// half decades.
std::vector<double> precisions_to_try();

/// Eigenvalues and eigenvectors of a curvature.
struct curvature_spectrum {
  at::Tensor values;  ///< [D] float64, ascending, >= 0
  at::Tensor vectors; ///< [D, D], columns

  /// R [D, D] with R R^T = (H + precision I)^-1.
  at::Tensor root_of_covariance(double precision) const;
};

/// @param curvature [D, D] float64, symmetric, of no negative eigenvalue but
///   for rounding: those become 0.
/// @returns errc::non_finite.
expected<curvature_spectrum> decompose(const at::Tensor& curvature);

} // namespace posse
