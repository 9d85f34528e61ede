#pragma once

#include "messages/failure.hpp"
#include "messages/transfer/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace posse {

/// Takes a payload piece by piece, of a size that is announced but not
/// believed. All of it gets addresses at once, so that nothing moves when it
/// grows; memory comes as bytes arrive: at any time at most twice those bytes
/// and 64 KiB, and never more than the announced size rounded up to pages.
///
/// Addresses cost nothing: pages without access rights are neither resident nor
/// counted by the kernel as promised. Rights are given in doubling steps, which
/// also keeps a huge page from backing what has not come. Payloads of at most
/// 64 KiB come from the heap, where no system call is needed.
class growing_buffer {
public:
  /// @returns an empty buffer for `total` bytes; or errc::out_of_memory.
  /// @param total > 0
  [[nodiscard]] static expected<growing_buffer> make(std::uint64_t total);

  /// Appends `bytes`.
  /// @param bytes No more than are missing.
  /// @returns errc::out_of_memory if the system gives no more; nothing is
  ///   appended then.
  [[nodiscard]] expected<void> append(std::span<const std::byte> bytes);

  /// Bytes appended.
  std::size_t size() const noexcept { return size_; }

  /// Bytes that may be resident.
  std::size_t committed_bytes() const noexcept { return committed_; }

  /// What was appended; starts at a multiple of 64 bytes. Shares the memory,
  /// which later appends do not move.
  shared_bytes bytes() const noexcept { return {memory_, size_}; }

private:
  growing_buffer(std::shared_ptr<std::byte> memory, std::size_t capacity,
                 std::size_t committed)
      : memory_{std::move(memory)}, capacity_{capacity}, committed_{committed} {
  }

  std::shared_ptr<std::byte> memory_;
  std::size_t capacity_; // a multiple of pages, unless from the heap
  std::size_t committed_;
  std::size_t size_{0};
};

} // namespace posse
