#pragma once

#include "messages/failure.hpp"
#include "messages/transfer/payload_mapping.hpp"
#include "messages/transfer/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace posse {

/// Takes a payload piece by piece, of a size that is announced but not
/// believed. Nothing moves when it grows, and memory comes as bytes arrive: at
/// any time at most twice those bytes and 64 KiB, and never more than the
/// announced size rounded up to pages, beside what an earlier payload had and
/// nobody needs any more (payload_mapping). Rights come in doubling steps,
/// which also keeps a huge page from backing what has not come. Payloads of at
/// most 64 KiB come from the heap, where no system call is needed.
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

  /// Bytes that may be resident because of this payload.
  std::size_t committed_bytes() const noexcept {
    return mapping_ ? mapping_->committed_bytes() - found_ : total_;
  }

  /// What was appended; starts at a multiple of 64 bytes. Shares the memory,
  /// which later appends do not move.
  shared_bytes bytes() const noexcept { return {memory_, size_}; }

private:
  growing_buffer(std::shared_ptr<std::byte> memory,
                 std::shared_ptr<payload_mapping> mapping, std::size_t total)
      : memory_{std::move(memory)}, mapping_{std::move(mapping)},
        found_{mapping_ ? mapping_->committed_bytes() : 0}, total_{total} {}

  std::shared_ptr<std::byte> memory_;
  std::shared_ptr<payload_mapping> mapping_; // none: memory_ is from the heap
  std::size_t found_;                        // committed by an earlier payload
  std::size_t total_;
  std::size_t size_{0};
};

} // namespace posse
