#pragma once

#include "messages/particle_id.hpp"
#include "messages/tensor_blob.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace posse {

/// A particle's parameters and gradients at one version. Immutable.
struct particle_view {
  std::uint64_t version{0};
  std::vector<tensor_blob> parameters;
  std::vector<tensor_blob> gradients;

  std::size_t size_bytes() const noexcept;
};

/// Views of particles that live elsewhere, one a particle: those used last, as
/// far as they fit. Not thread-safe.
class view_cache {
public:
  /// @param budget_bytes Of all views together.
  explicit view_cache(std::size_t budget_bytes) : budget_{budget_bytes} {}

  /// The view of `pid`, or nullptr. Valid until the next put() or forget().
  const particle_view* find(particle_id pid);

  /// Keeps `view` in place of the one before, and lets the longest unused ones
  /// go; one that is over the budget alone is not kept.
  void put(particle_id pid, particle_view view);

  void forget(particle_id pid);

  std::size_t size_bytes() const noexcept { return bytes_; }

private:
  struct kept {
    particle_id pid;
    particle_view view;
  };
  using entries = std::list<kept>; // used last first

  void drop(entries::iterator entry);

  std::size_t budget_;
  std::size_t bytes_{0};
  entries entries_;
  std::unordered_map<particle_id, entries::iterator> by_pid_;
};

} // namespace posse
