#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <cstdint>

namespace posse {

/// No chunk is larger, whatever the limits say: small requests wait behind at
/// most a window of these.
inline constexpr std::size_t max_chunk_bytes = std::size_t{1} << 20;

/// What two peers may ask of each other. Both ends of a link must use the same
/// limits: a sender that keeps to them is never refused for them.
struct transfer_limits {
  /// Of one chunk; in [1, max_chunk_bytes].
  std::size_t chunk_bytes{max_chunk_bytes};
  /// Chunks sent to a peer that it has not given credit for yet; >= 1.
  std::size_t window{6};
  /// Of one payload; >= 1.
  std::uint64_t max_transfer_bytes{std::uint64_t{1} << 30};
  /// Transfers under way at once; >= 1.
  std::size_t open_transfers{16};
  /// Of all transfers under way, at their full size: what a receiver spends on
  /// one peer. At least max_transfer_bytes.
  std::uint64_t open_bytes{std::uint64_t{1} << 30};
  /// Of the payloads that a sender holds besides the oldest one.
  std::uint64_t queued_bytes{std::uint64_t{64} << 20};
  /// Payloads that a sender holds; >= 1.
  std::size_t queued_transfers{1024};
};

/// @returns errc::invalid_argument, naming the field, if one is out of its
///   range.
[[nodiscard]] expected<void> check(const transfer_limits& limits);

} // namespace posse
