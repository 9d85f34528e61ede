#pragma once

#include "messages/particle_id.hpp"
#include "runtime/posterior/dual_averaging.hpp"
#include "runtime/store/disk_place.hpp"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace posse {

struct particle_family;

/// One particle on its device: where its bytes are, and the part of its state
/// that is not bytes. Together they are the whole particle and move as one.
struct particle_entry {
  particle_id pid;
  particle_family* family{nullptr}; ///< its bank and what it is made of
  std::optional<std::size_t> slot;  ///< of the bank, while it has one

  /// The row while the particle has no slot: here, or on disk.
  at::Tensor host;
  std::optional<disk_place> disk;
  bool leased{false};  ///< an operation runs on it, or its bytes are moving
  bool lost{false};    ///< its bytes could not be kept: nothing may read them
  std::size_t pins{0}; ///< wishes that it stay in its slot
  std::size_t lane{0}; ///< where it last computed
  std::size_t home_lane{0};  ///< where it computes with others
  std::size_t home_place{0}; ///< its number among those of that lane

  at::Generator generator; ///< its own random numbers
  std::int64_t steps{0};   ///< optimizer steps done: the cursor of the run
  std::int64_t schedule_steps{0};
  std::uint64_t version{0}; ///< grows whenever the parameters change
  /// Grows before each change of parameters, gradients or buffers, a restore
  /// included. Unlike `version` no part of the state: views are told apart by
  /// it.
  std::uint64_t revision{0};
  double best_score{std::numeric_limits<double>::infinity()};
  std::int64_t best_step{0};
  std::int64_t collected{0}; ///< iterates in its rows of the posterior
  dual_averaging adaptation; ///< of a sampler's step size
  bool finished{false};      ///< trained to the end; a resume leaves it alone
  bool diverged{false};      ///< finished because its loss became no number
};

/// To be called before a particle's parameters change, or its gradients or
/// buffers alone.
inline void note_change(particle_entry& entry, bool parameters) noexcept {
  ++entry.revision;
  if (parameters)
    ++entry.version;
}

} // namespace posse
