#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/store/bank.hpp"
#include "runtime/store/lower_tiers.hpp"
#include "runtime/store/particle_cache.hpp"
#include "runtime/store/particle_entry.hpp"

#include <c10/util/ArrayRef.h>
#include <c10/util/SmallVector.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace c10 {
struct Event;
}

namespace posse {

/// The particles of one device that are made alike: their recipe, the bank
/// they run in, the cache that decides who sits in it and where the others lie.
struct particle_family {
  std::shared_ptr<const compiled_recipe> recipe;
  bank slots;
  particle_cache cache;
  lower_tiers& below;
};

/// The right to use one particle's bytes, alone, until it is given back. What
/// has to move first is written down here and done by settle(), on the lane
/// that computes, so that the device worker never waits for a copy.
struct lease {
  particle_entry* entry{nullptr};
  std::size_t slot_index{0};        ///< if it has one
  bool pinned{false};               ///< it has a slot, and keeps it
  bool load{false};                 ///< the particle's bytes are still below
  bool fresh{false};                ///< a new particle: there are no bytes yet
  particle_entry* evicted{nullptr}; ///< its bytes have to leave the slot first
  /// When all of this has happened, if a copy_queue has begun it.
  std::shared_ptr<c10::Event> moved;
};

/// The leases of one operation.
using lease_list = c10::SmallVector<lease, 1>;
using held_leases = std::span<const lease>;

/// Whether what was asked for could be leased.
enum class grant : std::uint8_t {
  leased,
  busy,    ///< one of the particles is in use, or its bytes are moving
  no_slot, ///< all slots are in use, or kept for a turn
};

struct acquisition {
  grant outcome{grant::leased};
  lease_list leases; ///< empty unless `outcome` is leased
};

/// A slot that is to be given up, and who has to leave it first.
struct departure {
  particle_entry* entry{nullptr};
  std::size_t slot_index{0};
};

/// How much has moved between slots and host memory. Lanes add to it.
struct swap_counters {
  std::atomic<std::uint64_t> bytes_moved{0};
  std::atomic<std::uint64_t> stall_nanoseconds{0};
};

/// All particles of one device: in the slots of its banks, or, when there are
/// more particles than slots, waiting in host memory or on disk. Not
/// thread-safe: callers go through a lane_schedule. Lanes touch what they hold
/// a lease of.
class particle_store {
public:
  struct options {
    c10::Device device{c10::DeviceType::CPU};
    std::size_t capacity{0}; ///< slots a family; 0: as many as fit
    /// Of the device; 0: a CPU's free memory by half, or all that an
    /// accelerator has.
    std::int64_t budget_bytes{0};
    std::size_t expected_particles{0}; ///< 0: not known
    cache_policy policy{cache_policy::order};
    bool prefetch{true}; ///< bytes move while others compute: accelerators
    lower_tiers::options below{}; ///< for those that have no slot
  };

  explicit particle_store(options opts);

  /// Leases a slot to a new particle, if `claim` finds one.
  /// @returns errc::invalid_argument if the particle exists;
  ///   errc::out_of_memory if the bank cannot be made, or if neither slots nor
  ///   host memory nor disk have room for one more.
  expected<acquisition> create(particle_id pid,
                               std::shared_ptr<const compiled_recipe> recipe,
                               slot_claim claim = slot_claim::any);

  /// Leases a particle and a slot to it, if `claim` finds one.
  /// @returns errc::unknown_particle; errc::out_of_memory for a particle whose
  ///   bytes were lost when there was no room for them.
  expected<acquisition> acquire(particle_id pid,
                                slot_claim claim = slot_claim::any);

  /// Leases particles where they lie, without a slot: for operations on rows.
  /// @returns as acquire(); the outcome is never no_slot.
  expected<acquisition> acquire_rows(c10::ArrayRef<particle_id> pids);

  /// Gives a lease back, once its lane is done.
  void release(const lease& done);

  // An accelerator that has no memory left for an operation gives slots up: in
  // three steps, of which only the second, leave_slot(), moves bytes.

  /// Gives half of the slots that nobody uses up, at least one: those that are
  /// free at once, the others once their particles have left. At least one of
  /// a family stays.
  /// @returns who has to leave, busy until end_departure(); empty if slots
  ///   that were free are enough. errc::out_of_memory if no slot can be given
  ///   up, saying why.
  expected<std::vector<departure>> give_up_slots();
  /// The particle is elsewhere now and its slot given up, or it could not move
  /// and keeps it. @returns whether it has left.
  bool end_departure(const departure& left);

  /// Keeps a resident particle in its slot until as many unpin() calls; false
  /// if it is not resident, or not pinned.
  bool pin(particle_id pid);
  bool unpin(particle_id pid);

  /// Forgets a particle and frees its memory; it must not be leased.
  void remove(particle_id pid);

  bool contains(particle_id pid) const { return entries_.contains(pid); }
  particle_entry* find(particle_id pid);
  std::size_t size() const noexcept { return entries_.size(); }
  /// Sums over the families.
  cache_counters counters() const;
  std::size_t capacity() const;
  std::size_t resident() const;
  std::size_t slots_given_up() const;
  swap_counters& swaps() noexcept { return *swaps_; }
  const lower_tiers& below() const noexcept { return *below_; }

private:
  expected<particle_family*>
  family_of(const std::shared_ptr<const compiled_recipe>& recipe);
  expected<void> check_room(const particle_family& family) const;
  std::size_t without_slot() const;
  failure all_slots_in_use() const;
  std::vector<std::size_t> slots_to_spare(const particle_family& family) const;
  lease place(particle_entry& entry, const particle_cache::placement& where);

  options options_;
  std::unique_ptr<lower_tiers> below_; // where families find it
  std::vector<std::unique_ptr<particle_family>> families_;
  std::unordered_map<particle_id, std::unique_ptr<particle_entry>> entries_;
  std::unique_ptr<swap_counters> swaps_;
};

/// Moves the bytes that a lease needs moved: the evicted particle's out of the
/// slot, the leased one's into it. Runs on the lane.
///
/// @returns the slot, ready to compute; errc::out_of_memory, errc::io_error.
expected<slot*> settle(const lease& held, swap_counters& counters);

/// Moves the bytes of a particle out of its slot. Runs on a lane.
/// @returns errc::out_of_memory, errc::io_error: then it is where it was, or in
///   host memory beyond the budget.
expected<void> leave_slot(const departure& going, swap_counters& counters);

/// What an operation does with the rows that it leases.
enum class row_use : std::uint8_t { none, read, write };

/// Has the rows of `held` where row_of() finds them; rows on disk are read.
/// Runs on the lane, before and after the work on them.
expected<void> bring_rows(held_leases held, row_use use);
/// Gives back what bring_rows() took; to be called whatever came of the work.
expected<void> return_rows(held_leases held, row_use use);

/// The row of a particle, in its slot or in host memory.
at::Tensor row_of(const lease& held);

} // namespace posse
