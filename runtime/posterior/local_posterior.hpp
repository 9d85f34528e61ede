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
  /// none: the parameters alone; swag; dropout; samples: iterates themselves.
  std::string kind{"none"};
  /// Networks that a particle predicts with, > 0; samples: at most.
  std::int64_t draws{1};
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

  /// Iterates from which on a draw is worth it; 0 if there are no rows.
  virtual std::int64_t least_collected() const noexcept = 0;

  /// Networks that can be drawn, where the spec asks for `wanted`.
  /// @param count Iterates taken in.
  virtual std::int64_t draws(std::int64_t wanted, std::int64_t) const noexcept {
    return wanted;
  }

  /// True if draws are steps of a Markov chain, in their order: how far they
  /// are independent can be asked then.
  virtual bool is_chain() const noexcept { return false; }

  /// Writes one draw over `parameters` [P], which are the particle's own
  /// before.
  ///
  /// @param count Iterates taken in; > 0 if there are rows.
  /// @param index Of the draw, in [0, draws()).
  /// @param numbers Of the CPU; the draw depends on it and `index` alone.
  virtual void draw(const at::Tensor& parameters,
                    std::span<const at::Tensor> rows, std::int64_t count,
                    std::int64_t index, at::Generator& numbers) const = 0;

  /// Whether a draw drops units: forward() is then called as in training, but
  /// for the statistics of batches.
  virtual bool drops_units() const noexcept { return false; }
};

/// @returns the rule, or nullptr for kind none; errc::unknown_name;
///   errc::invalid_argument for a constant out of its range.
expected<std::shared_ptr<const local_posterior>>
make_local_posterior(const local_posterior_spec& spec);

} // namespace posse
