#pragma once

#include "messages/failure.hpp"
#include "messages/transfer/shared_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace posse {

/// Names one transfer of one link: 1, 2, 3, ... in the order in which its
/// sender was offered them, and in which their first chunks are sent.
using transfer_id = std::uint64_t;

/// What a chunk says of itself.
struct chunk_header {
  transfer_id transfer{0}; ///< >= 1
  std::uint64_t total{0};  ///< bytes of the whole payload; >= 1
  std::uint64_t offset{0}; ///< of this chunk's first byte in the payload
  std::uint64_t index{0};  ///< the number of chunks before this one
  std::uint32_t size{0};   ///< bytes of this chunk, in [1, max_chunk_bytes]
  /// checksum() of the fields above and of the chunk's bytes.
  std::uint32_t checksum{0};

  friend bool operator==(const chunk_header&, const chunk_header&) = default;
};

/// A piece of a payload. Its bytes lie where the payload has them.
struct chunk {
  chunk_header header;
  shared_bytes bytes;
};

/// From the receiver: it has consumed this chunk, the sender may send another.
struct chunk_credit {
  transfer_id transfer{0};
  std::uint64_t index{0};

  friend bool operator==(const chunk_credit&, const chunk_credit&) = default;
};

/// From the sender: no more chunks of this transfer will come.
struct transfer_cancel {
  transfer_id transfer{0};

  friend bool operator==(const transfer_cancel&,
                         const transfer_cancel&) = default;
};

/// From the receiver: it does not take this transfer (any more), and why.
struct transfer_refusal {
  transfer_id transfer{0};
  failure why;

  friend bool operator==(const transfer_refusal&,
                         const transfer_refusal&) = default;
};

/// CRC-32C of the encoded header up to its checksum, and then of `bytes`. The
/// header is in it because payloads often have equal sizes: one flipped bit of
/// an id would make a chunk fit another transfer.
std::uint32_t checksum(const chunk_header& header,
                       std::span<const std::byte> bytes) noexcept;

/// @returns errc::malformed if no chunk could have such a header: a size out of
///   its range, bytes beyond the total, or an index that the offset belies.
[[nodiscard]] expected<void> check(const chunk_header& header);

/// Eight bytes that name the format and its version, then the fields in their
/// order, little-endian.
using encoded_chunk_header = std::array<std::byte, 48>;

encoded_chunk_header encode(const chunk_header& header) noexcept;

/// Reads what encode() wrote; whatever is accepted encodes to the same bytes.
/// @returns errc::malformed if `bytes` is anything else or fails check().
[[nodiscard]] expected<chunk_header>
decode_chunk_header(std::span<const std::byte> bytes);

} // namespace posse
