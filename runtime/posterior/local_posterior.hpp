#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace posse {

/// The distribution that a particle stands for, around its parameters; plain
/// data, the same on every node and in a checkpoint's manifest.
struct local_posterior_spec {
  /// none: the parameters alone; swag; dropout.
  std::string kind{"none"};
  std::int64_t draws{1}; ///< networks that a particle predicts with, > 0
  std::uint64_t seed{0}; ///< of the draws: that of the run
  std::int64_t rank{20}; ///< swag: deviations kept, > 1
  double scale{0.5};     ///< swag: of the covariance, >= 0

  value to_value() const;
  /// @returns errc::invalid_argument naming what is missing or out of range.
  static expected<local_posterior_spec> from_value(const value& x);

  friend bool operator==(const local_posterior_spec&,
                         const local_posterior_spec&) = default;
};

/// How a particle's iterates become networks that it predicts with. Holds
/// constants only: what a particle remembers lies in rows beside its
/// parameters, and travels with them.
class local_posterior {
public:
  virtual ~local_posterior() = default;

  /// What is remembered, by name: one row each, of the parameters' size.
  virtual std::vector<std::string> rows() const = 0;

  /// Takes the parameters [P] in. @param count Those taken in before.
  virtual void collect(const at::Tensor& parameters,
                       std::span<const at::Tensor> rows,
                       std::int64_t count) const = 0;

  /// Writes one draw over `parameters` [P], which are the particle's own
  /// before.
  ///
  /// @param count Iterates that `rows` hold; > 0 if there are rows.
  /// @param numbers Of the CPU; the draw depends on it alone.
  virtual void draw(const at::Tensor& parameters,
                    std::span<const at::Tensor> rows, std::int64_t count,
                    at::Generator& numbers) const = 0;

  /// Whether a draw drops units: forward() is then called as in training, but
  /// for the statistics of batches.
  virtual bool drops_units() const noexcept { return false; }
};

/// @returns the rule, or nullptr for kind none; errc::unknown_name;
///   errc::invalid_argument for a constant out of its range.
expected<std::shared_ptr<const local_posterior>>
make_local_posterior(const local_posterior_spec& spec);

} // namespace posse
