#pragma once

#include "messages/particle_id.hpp"
#include "runtime/core/short_mutex.hpp"
#include "runtime/store/particle_view.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace posse {

/// How many views a cache keeps.
struct view_limit {
  std::size_t views{0}; ///< at most; 0: as many as fit into `bytes`
  std::size_t bytes{std::size_t{256} << 20}; ///< counts if `views` is 0
};

/// Since the cache was made.
struct view_counters {
  std::uint64_t hits{0};   ///< questions for a version that was kept
  std::uint64_t copies{0}; ///< views that were put in, each copied once
  std::uint64_t bytes{0};  ///< of those copies
};

/// The latest views of particles, one a particle: those used last, as far as
/// the limit goes. What somebody holds besides is not counted. Thread-safe.
class view_cache {
public:
  explicit view_cache(view_limit limit) : limit_{limit} {}
  view_cache(const view_cache&) = delete;
  view_cache& operator=(const view_cache&) = delete;

  /// The view of `pid` of whatever version, or null.
  view_ptr find(particle_id pid);
  /// The view of `pid` if it is of that version, or null.
  view_ptr find(particle_id pid, std::uint64_t version);

  /// Keeps `view` in place of the one before, and lets the longest unused ones
  /// go; one that is over the limit alone is not kept.
  void put(particle_id pid, view_ptr view);

  void forget(particle_id pid);

  std::size_t size() const;
  std::size_t size_bytes() const;
  view_counters counters() const;

private:
  struct kept {
    particle_id pid;
    view_ptr view;
    std::size_t bytes{0};
  };
  using entries = std::list<kept>; // used last first

  view_ptr use(particle_id pid);
  bool is_over() const noexcept;
  void drop(entries::iterator entry, entries& into);

  const view_limit limit_;
  mutable short_mutex mutex_;
  std::size_t bytes_{0};
  view_counters counters_;
  entries entries_;
  std::unordered_map<particle_id, entries::iterator> by_pid_;
};

} // namespace posse
