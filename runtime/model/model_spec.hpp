#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Everything that decides a network's architecture, and so the names and
/// shapes of its parameters. Travels to nodes and lies in checkpoints.
struct model_spec {
  std::string kind = "mlp"; ///< mlp | lenet | a plugin's name
  /// Shape of one input row: {8}, {1, 28, 28}; each size > 0.
  std::vector<std::int64_t> inputs;
  /// Values to predict for a row, or the number of classes; > 0.
  std::int64_t targets = 1;
  std::vector<std::int64_t> hidden; ///< mlp: units of each hidden layer, > 0
  std::string activation = "relu";  ///< relu | tanh | sigmoid | silu | gelu
  std::string head = "point"; ///< point | gaussian | gaussian_shared | ...
  double dropout = 0;         ///< of each hidden layer's outputs; in [0, 1)
  /// Of a fixed random network of the same kind that is added to what this one
  /// predicts (see random_prior.hpp), >= 0; 0: none.
  double prior_scale = 0;

  friend bool operator==(const model_spec&, const model_spec&) = default;

  /// A dict with a key for each member.
  value to_value() const;

  /// The inverse; members without a key keep their default. Types are checked
  /// (errc::invalid_argument), ranges are left to make_network().
  static expected<model_spec> from_value(const value& x);
};

/// The networks of the benchmarks: mlp13 (13-50-1), mlp784 (784-256-10),
/// lenet (1x28x28, 10 classes); errc::unknown_name for any other name.
expected<model_spec> benchmark_model(std::string_view name);

} // namespace posse
