#pragma once

#include "messages/failure.hpp"

#include <filesystem>
#include <optional>

namespace posse {

/// Builds a directory beside `target` and puts it in target's place as one
/// whole. After a kill or a power loss at any moment, find_directory() names
/// the old or the new one, complete:
///
/// | step      | on the disk afterwards                          | found |
/// |-----------|-------------------------------------------------|-------|
/// | begin     | `NAME` (old), `NAME.tmp-PID` (growing)          | old   |
/// | sync      | `NAME` (old), `NAME.tmp-PID` (complete)         | old   |
/// | retire    | `NAME.old` (old), `NAME.tmp-PID` (complete)     | old   |
/// | install   | `NAME` (new), `NAME.old` (old)                  | new   |
/// | clean_up  | `NAME` (new)                                    | new   |
///
/// Each rename is made durable before the next step, so that a power loss
/// cannot swap them. Two renames rather than RENAME_EXCHANGE, which some file
/// systems lack. One writer a target at a time: the caller holds a lock.
class atomic_directory {
public:
  /// Recovers what a killed writer left (see recover_directory()) and creates
  /// an empty `NAME.tmp-PID`. @returns errc::io_error.
  static expected<atomic_directory> begin(std::filesystem::path target);

  atomic_directory(atomic_directory&&) noexcept;
  atomic_directory& operator=(atomic_directory&&) = delete;
  /// Removes what was not committed.
  ~atomic_directory();

  /// Where to create the files of the new directory.
  const std::filesystem::path& staging() const noexcept { return staging_; }

  /// All steps below, in order.
  /// @returns errc::io_error; the old directory is then the one that is found,
  ///   or, where only clean_up failed, the new one.
  expected<void> commit();

  /// The steps of commit(), one by one for tests of what a kill leaves.
  expected<void> sync() const;
  expected<void> retire() const;
  expected<void> install();
  expected<void> clean_up() const;

private:
  explicit atomic_directory(std::filesystem::path target);

  std::filesystem::path target_;
  std::filesystem::path staging_; ///< empty once it is installed
};

/// The directory that holds target's newest complete contents: `target`, or
/// what a killed writer renamed it to, or nothing. Changes nothing on the disk.
std::optional<std::filesystem::path>
find_directory(const std::filesystem::path& target);

/// Brings what find_directory() names back to its place and removes the rest
/// of what a killed writer left. @returns errc::io_error.
expected<void> recover_directory(const std::filesystem::path& target);

} // namespace posse
