#pragma once

#include "messages/failure.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace posse {

enum class prior_kind : std::uint8_t {
  flat,   ///< improper: p(theta) = 1
  normal, ///< each parameter independently from N(0, std^2)
};

/// The prior over all parameters of a particle.
struct prior {
  prior_kind kind = prior_kind::normal;
  double std = 1.0; ///< normal only; > 0

  friend bool operator==(const prior&, const prior&) = default;
};

/// @param kind "flat" or "normal"; else errc::unknown_name.
/// @param std Finite and > 0, else errc::invalid_argument; a flat prior
///   ignores it.
[[nodiscard]] expected<prior> make_prior(std::string_view kind, double std);

/// The L2 term that stands for the prior where a loss is a mean over rows:
/// log posterior = -N (mean loss + weight_decay |theta|^2 / 2) + constant, so
/// adding weight_decay * theta to the mean loss's gradient gives the
/// posterior's. 1 / (std^2 N); 0 if flat.
///
/// @param train_rows N > 0: rows of the training set, not of a batch.
double weight_decay(const prior& p, std::int64_t train_rows) noexcept;

/// log p(theta) with its constant, summed in double; nats. 0 if flat.
///
/// @param theta A particle's parameters, float or double, any shape.
double log_prior(const prior& p, const at::Tensor& theta);

} // namespace posse
