#pragma once

#include "messages/failure.hpp"
#include "runtime/store/disk_place.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace posse {

/// Rows on disk, in one file without a name: nothing is left of it however the
/// process ends. Thread-safe: places are given out under a lock, bytes move
/// without it.
class spill_file {
public:
  /// @param folder Where the file is made once a place is asked for.
  /// @param budget_bytes Of all places together, >= 0.
  spill_file(std::filesystem::path folder, std::int64_t budget_bytes);
  spill_file(const spill_file&) = delete;
  spill_file& operator=(const spill_file&) = delete;
  ~spill_file();

  std::int64_t budget_bytes() const noexcept { return budget_; }

  /// Reserves a place, its blocks on the disk included.
  /// @param bytes > 0.
  /// @returns errc::out_of_memory if the budget or the disk is used up;
  ///   errc::io_error, naming the folder, if there can be no file.
  expected<disk_place> take(std::int64_t bytes);

  /// Its bytes are no longer needed.
  void give_back(disk_place place);

  /// @param row place.bytes long.
  /// @returns errc::io_error.
  expected<void> write(disk_place place, std::span<const std::byte> row) const;
  expected<void> read(disk_place place, std::span<std::byte> row) const;

private:
  expected<void> open();

  std::filesystem::path folder_;
  std::int64_t budget_;
  std::mutex mutex_;
  int file_{-1};
  std::int64_t end_{0};
  std::map<std::int64_t, std::vector<std::int64_t>> free_; ///< by their bytes
};

} // namespace posse
