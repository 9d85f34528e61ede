#pragma once

#include "messages/failure.hpp"
#include "runtime/core/file_descriptor.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace posse {

/// A file written from front to back. Small pieces are gathered, large ones go
/// straight to the system. Its directory entry is not made durable: see
/// write_file_atomically() and atomic_directory.
class output_file {
public:
  /// Creates `path`, or empties it if it exists.
  /// @returns errc::io_error with the system's reason.
  static expected<output_file> create(std::filesystem::path path);

  /// Appends bytes. @returns errc::io_error ("No space left on device").
  expected<void> write(std::span<const std::byte> bytes);
  expected<void> write(std::string_view text);

  /// Writes what is gathered and closes; call it exactly once, last.
  /// @returns errc::io_error: only now is every error known.
  expected<void> close();
  /// The same, and waits until the bytes are on the disk.
  expected<void> sync_and_close();

private:
  output_file(std::filesystem::path path, file_descriptor file)
      : path_{std::move(path)}, file_{std::move(file)} {}
  expected<void> flush();

  std::filesystem::path path_;
  file_descriptor file_;
  std::vector<std::byte> gathered_;
};

/// Writes all of `bytes` to an open file; `path` is for the message.
/// @returns errc::io_error.
expected<void> write_all(const file_descriptor& file,
                         std::span<const std::byte> bytes,
                         const std::filesystem::path& path);

/// Waits until the bytes of a file, or the entries of a directory, are on the
/// disk. @returns errc::io_error.
expected<void> sync_path(const std::filesystem::path& path);

/// Replaces the file `path` by one with these contents: after a crash or a
/// power loss at any moment the old or the new contents are there, whole. A
/// killed process may leave a `PATH.tmp-PID-CALL`.
///
/// @returns errc::io_error; the old file is then untouched.
expected<void> write_file_atomically(const std::filesystem::path& path,
                                     std::string_view contents);

/// The same for contents that are too large to be in memory at once.
/// @param write Gives the file its contents, in pieces; if it fails, so does
///   this.
expected<void>
write_file_atomically(const std::filesystem::path& path,
                      const std::function<expected<void>(output_file&)>& write);

/// Removes `PATH.tmp-PID` and `PATH.tmp-PID-CALL`, files or directories, which
/// killed writers of `path` left. Call it only where no writer is at work.
/// @returns errc::io_error.
expected<void> remove_temporaries(const std::filesystem::path& path);

} // namespace posse
