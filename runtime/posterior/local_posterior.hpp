#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/store/particle_layout.hpp"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace posse {

class network;

/// The distribution that a particle stands for, around its parameters; plain
/// data, the same on every node and in a checkpoint's manifest.
struct local_posterior_spec {
  /// none: the parameters alone; swag; dropout; samples: iterates themselves;
  /// laplace; variational.
  std::string kind{"none"};
  /// Networks that a particle predicts with, > 0; samples: at most.
  std::int64_t draws{1};
  std::uint64_t seed{0}; ///< of the draws: that of the run
  std::int64_t rank{20}; ///< swag: deviations kept, > 1
  double scale{0.5};     ///< swag: of the covariance, >= 0
  /// dropout: whether the units that a draw drops are the same for all rows.
  bool shared_masks{false};
  /// laplace: of what, last_layer | diagonal.
  std::string curvature{"last_layer"};
  /// laplace: 1 / variance of the prior, by evidence | validation | prior.
  std::string prior_precision{"evidence"};
  /// variational: standard deviation of each parameter at the start, in
  /// [1e-6, 1000].
  double initial_std{0.01};

  value to_value() const;
  /// @returns errc::invalid_argument naming what is missing or out of range.
  static expected<local_posterior_spec> from_value(const value& x);

  friend bool operator==(const local_posterior_spec&,
                         const local_posterior_spec&) = default;
};

/// Where what a particle remembers of its posterior comes from.
enum class posterior_origin : std::uint8_t {
  nothing,  ///< it remembers nothing
  iterates, ///< collect() takes its parameters in, now and then
  fit,      ///< made around its parameters when they are trained
  training, ///< trained like its parameters
};

/// How a particle's iterates become networks that it predicts with. Holds
/// constants only: what a particle remembers lies in rows beside its
/// parameters, and travels with them.
class local_posterior {
public:
  virtual ~local_posterior() = default;

  virtual posterior_origin origin() const noexcept = 0;

  /// What is remembered of a network like `prototype`, of which only names and
  /// shapes are read.
  /// @returns errc::invalid_argument for a network that it cannot be of.
  virtual expected<std::vector<posterior_row>>
  rows(const network& prototype) const = 0;

  /// Takes the parameters [P] in; origin `iterates` alone.
  /// @param count Those taken in before.
  virtual void collect(const at::Tensor& /*parameters*/,
                       std::span<const at::Tensor> /*rows*/,
                       std::int64_t /*count*/) const {}

  /// Iterates from which on a draw is worth it; 0 unless it is made of such.
  virtual std::int64_t least_collected() const noexcept { return 0; }

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
  /// @param net The particle's own, tied to `parameters`.
  /// @param rows As rows() has them, from the first on.
  /// @param count Iterates taken in, or 1 for what was fitted.
  /// @param index Of the draw, in [0, draws()).
  /// @param numbers Of the CPU; the draw depends on it and `index` alone.
  virtual void draw(network& net, const at::Tensor& parameters,
                    std::span<const at::Tensor> rows, std::int64_t count,
                    std::int64_t index, at::Generator& numbers) const = 0;

  /// Whether a draw drops units: forward() is then called as in training, but
  /// for the statistics of batches.
  virtual bool drops_units() const noexcept { return false; }

  /// Whether a draw's outputs are those of the network made linear in its
  /// parameters around the particle's own.
  virtual bool is_linearised() const noexcept { return false; }

  /// Whether statistics of batches are other ones with a draw's parameters.
  virtual bool moves_statistics() const noexcept { return true; }
};

/// @returns the rule, or nullptr for kind none; errc::unknown_name;
///   errc::invalid_argument for a constant out of its range.
expected<std::shared_ptr<const local_posterior>>
make_local_posterior(const local_posterior_spec& spec);

} // namespace posse
