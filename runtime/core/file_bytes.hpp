#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace posse {

/// The bytes of a whole file in memory of their own, so that nobody can change
/// them once they were checked (a mapped file could be cut or rewritten under
/// its reader). Aligned to 64 bytes.
struct file_bytes {
  std::shared_ptr<const std::byte> data;
  std::size_t size{0};

  std::span<const std::byte> bytes() const noexcept {
    return {data.get(), size};
  }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data.get()), size};
  }
};

/// Reads a regular file.
///
/// @param max_bytes A longer file is refused before memory is taken.
/// @returns errc::io_error if the file cannot be opened or read, is not a
///   regular file, or is longer than `max_bytes`; errc::out_of_memory.
expected<file_bytes> read_file(const std::filesystem::path& path,
                               std::uint64_t max_bytes = UINT64_MAX);

} // namespace posse
