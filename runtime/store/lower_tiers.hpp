#pragma once

#include "messages/failure.hpp"
#include "runtime/store/particle_entry.hpp"
#include "runtime/store/spill_file.hpp"

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace posse {

/// Where the particles of a device lie that have no slot: in host memory as far
/// as its budget goes, then on disk. Thread-safe; whoever calls holds the
/// leases of the particles, and catches what LibTorch throws.
///
/// Nothing moves between host memory and disk on its own. Who leaves a slot
/// takes the place of who comes in, so that of particles that take turns the
/// same number is read from disk each round: as few as there can be, where
/// keeping those used last in memory would find none of them there.
class lower_tiers {
public:
  struct options {
    std::int64_t host_bytes{0}; ///< 0: no limit
    std::int64_t disk_bytes{0};
    std::filesystem::path disk_path{"/var/tmp"};
  };

  explicit lower_tiers(const options& opts);

  /// Rows of `row_bytes` for which there is room at all, if no others are here.
  std::size_t room_for(std::int64_t row_bytes) const;

  // Where one of these fails, both particles are still somewhere: who leaves
  // the slot in host memory, if need be beyond the budget.

  /// Copies the bytes of `entry`, which are in `row` (bytes [row_bytes], on any
  /// device), to where there is room.
  /// @returns errc::out_of_memory, errc::io_error.
  expected<void> put(particle_entry& entry, const at::Tensor& row);

  /// Copies them back into `row`, and frees their place.
  expected<void> take(particle_entry& entry, const at::Tensor& row);

  /// put(out) and take(in) by one `row`, without a place to spare.
  expected<void> exchange(particle_entry& out, particle_entry& in,
                          const at::Tensor& row);

  /// Has the bytes of `entry` in entry.host until give_down(), wherever they
  /// lie. This memory is beside the budget.
  expected<void> bring_up(particle_entry& entry);
  /// @param changed Whether the copy on disk, if any, is out of date.
  expected<void> give_down(particle_entry& entry, bool changed);

  /// Frees the place of a particle that is no more.
  void forget(particle_entry& entry);

  /// Reserves host memory for an entry.host that the caller makes; false if
  /// the budget is used up.
  bool reserve_host(std::int64_t bytes);
  /// The same, even beyond the budget.
  void reserve_host_anyway(std::int64_t bytes) { host_used_ += bytes; }
  /// Of an entry.host that has gone.
  void free_host(std::int64_t bytes) { host_used_ -= bytes; }

  std::int64_t host_used() const noexcept { return host_used_; }
  /// Read or written since the start.
  std::uint64_t disk_bytes_moved() const noexcept { return disk_moved_; }

private:
  void keep_on_host(particle_entry& entry, const at::Tensor& row);
  expected<void> write(disk_place place, const at::Tensor& row);
  expected<void> read(disk_place place, const at::Tensor& row);
  void free_disk(particle_entry& entry);

  std::int64_t host_budget_;
  spill_file disk_;
  std::atomic<std::int64_t> host_used_{0};
  std::atomic<std::uint64_t> disk_moved_{0};
};

/// True if the bytes of `entry` are in host memory or on disk.
inline bool is_below(const particle_entry& entry) noexcept {
  return entry.host.defined() || entry.disk;
}

} // namespace posse
