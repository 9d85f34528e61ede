#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace posse {

/// Which particle leaves when a slot is needed.
enum class cache_policy : std::uint8_t {
  /// The one that will be used last, as its uses so far tell: the best choice
  /// where the order of uses is known (Belady 1966, "A study of replacement
  /// algorithms for a virtual-storage computer"). Of particles that take turns,
  /// the one used longest ago is the very next one.
  order,
  lru,    ///< the one whose last use is longest ago
  direct, ///< PusH's: a particle's slot is its creation number mod capacity
};

/// "auto" and "order" give order, "lru" lru, "direct" direct; else
/// errc::unknown_name.
expected<cache_policy> parse_cache_policy(std::string_view name);

/// How far an operation may go to have its particle in a slot.
///
/// A particle that has come in may keep its slot for a turn of so many
/// operations. Where particles outnumber slots, a swap is then paid once a turn
/// instead of once an operation.
enum class slot_claim : std::uint8_t {
  in_turn,    ///< only if it sits in one and its turn is not over
  seated,     ///< only if it sits in one, or one is free
  after_turn, ///< or in that of one whose turn is over
  any,        ///< or in that of any that is not pinned
};

/// What a cache has done since it was made.
struct cache_counters {
  std::uint64_t hits{0};
  std::uint64_t misses{0};
  std::uint64_t evictions{0};

  friend bool operator==(const cache_counters&,
                         const cache_counters&) = default;
};

/// Decides which particle sits in which slot of a device's bank. Knows no
/// bytes: whoever asks moves them. Not thread-safe: a lane_schedule asks.
class particle_cache {
public:
  static constexpr std::size_t default_turn = 16;

  /// @param capacity Slots, > 0.
  /// @param turn Operations for which a particle may keep its slot.
  particle_cache(std::size_t capacity, cache_policy policy,
                 std::size_t turn = default_turn);

  /// Where a particle goes, and who has to leave first.
  struct placement {
    std::size_t slot{0};
    bool hit{false}; ///< it was there already: nothing to load
    std::optional<particle_id> evicted; ///< to be written back before loading
  };

  /// Takes in a new particle.
  /// @returns errc::invalid_argument if `pid` was created before,
  ///   errc::all_slots_pinned if no slot can be freed now.
  expected<placement> create(particle_id pid,
                             slot_claim claim = slot_claim::any);

  /// Makes `pid` resident and counts the use; its turn begins when it comes in,
  /// and anew with a use after it was over.
  /// @returns errc::unknown_particle, or errc::all_slots_pinned.
  expected<placement> try_read(particle_id pid,
                               slot_claim claim = slot_claim::any);

  /// Keeps `pid` where it is until as many unpin() calls; false if it is not
  /// resident.
  bool try_pin(particle_id pid);
  void unpin(particle_id pid);
  /// The same for whoever knows the slot in which a particle sits; reading it
  /// is a hit.
  void read_slot(std::size_t slot);
  void pin_slot(std::size_t slot);
  void unpin_slot(std::size_t slot);

  /// Forgets `pid` and frees its slot.
  void release(particle_id pid);

  /// Takes an unpinned slot out of use for good; whoever sits in it has none
  /// from then on. At least one slot stays.
  void retire(std::size_t slot);
  /// Those that retire() may take now, the last first.
  std::vector<std::size_t> idle_slots() const;

  /// True if `pid` sits in a slot now.
  bool contains(particle_id pid) const;
  /// True if the particle in `slot` has used up its turn.
  bool turn_is_over(std::size_t slot) const;
  bool pinned(particle_id pid) const;
  /// The slot in which `pid` sits now, if any. Does not count as a use.
  std::optional<std::size_t> slot_of(particle_id pid) const;
  /// Who sits in `slot`.
  std::optional<particle_id> owner_of(std::size_t slot) const {
    return slots_[slot].owner;
  }
  /// The resident particles, by slot.
  std::vector<particle_id> particles() const;
  /// Slots that are in use or may be.
  std::size_t capacity() const noexcept { return in_use_.size(); }
  /// Slots that were retired.
  std::size_t retired() const noexcept {
    return slots_.size() - in_use_.size();
  }
  std::size_t resident() const noexcept { return resident_; }
  /// Particles that have no slot now.
  std::size_t without_slot() const noexcept {
    return known_.size() - resident_;
  }
  /// True if the next new particle will push another one out.
  bool next_evicts() const;
  const cache_counters& counters() const noexcept { return counters_; }

private:
  static constexpr std::size_t none = ~std::size_t{0};

  struct known {
    std::size_t slot{none};
    std::size_t number{0}; ///< of its creation: decides the direct slot
    std::uint64_t last_use{0};
    /// Uses of the cache from one of its uses to the next; 0: it had only one.
    std::uint64_t period{0};
  };
  struct slot {
    std::optional<particle_id> owner;
    known* about{nullptr}; ///< the owner, in known_; none: nullptr
    std::size_t pins{0};
    std::size_t uses{0}; ///< in the owner's turn
    // The slots form a list from least to most recently used.
    std::size_t older{none};
    std::size_t newer{none};
  };

  std::size_t direct_slot(std::size_t number) const;
  bool may_give_up(std::size_t slot, slot_claim claim) const;
  std::optional<std::size_t> pick(const known& who, slot_claim claim) const;
  std::optional<std::size_t> pick_by_order(slot_claim claim) const;
  std::uint64_t next_use(const known& who) const;
  void use(known& who);
  placement place(particle_id pid, known& who, std::size_t slot);
  void touch(std::size_t slot);
  void unlink(std::size_t slot);
  void append(std::size_t slot);
  void prepend(std::size_t slot);

  cache_policy policy_;
  std::size_t turn_;
  std::vector<slot> slots_;
  std::vector<std::size_t> in_use_; ///< of slots_, those not retired; ascending
  std::size_t oldest_{none};
  std::size_t newest_{none};
  std::unordered_map<particle_id, known> known_;
  std::size_t created_{0};
  std::size_t resident_{0};
  std::uint64_t uses_{0};
  cache_counters counters_;
};

} // namespace posse
