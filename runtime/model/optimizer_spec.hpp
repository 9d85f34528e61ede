#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <optional>
#include <string>

namespace posse {

/// Which rule updates a particle's parameters, and its constants. Travels to
/// nodes and lies in checkpoints.
struct optimizer_spec {
  /// sgd | adam | adamw | adagrad | rmsprop | svgd_adagrad | a plugin's name
  std::string kind = "adam";
  double learning_rate = 0.01; ///< > 0; a schedule's factor multiplies it
  double momentum = 0;         ///< sgd and rmsprop; in [0, 1)
  double beta1 = 0.9;          ///< adam, adamw: of the gradient; in [0, 1)
  /// Decay of the squared gradients' average, in [0, 1). Empty: 0.999 for adam
  /// and adamw, 0.99 for rmsprop (PyTorch's alpha), 0.9 for svgd_adagrad.
  std::optional<double> beta2 = std::nullopt;
  /// Added to the denominator, >= 0. Empty: 1e-8 for adam, adamw and rmsprop,
  /// 1e-10 for adagrad, 1e-6 for svgd_adagrad.
  std::optional<double> eps = std::nullopt;
  /// >= 0. adamw shrinks the parameters by learning_rate * weight_decay; the
  /// others add weight_decay * theta to the gradient; svgd_adagrad has none,
  /// since the prior is part of its direction.
  double weight_decay = 0;

  friend bool operator==(const optimizer_spec&,
                         const optimizer_spec&) = default;

  /// A dict with a key for each member that is not empty.
  value to_value() const;

  /// The inverse; members without a key keep their default. Types are checked
  /// (errc::invalid_argument), ranges are left to make_optimizer().
  static expected<optimizer_spec> from_value(const value& x);
};

} // namespace posse
