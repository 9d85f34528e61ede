#pragma once

#include "messages/codec.hpp"
#include "messages/transfer/scattered_payload.hpp"

namespace posse {

/// Where tensors start in a payload: at multiples of this many bytes, and so in
/// memory too, wherever they came from. Vector instructions then split every
/// tensor alike, on every node.
inline constexpr std::size_t payload_alignment = 64;

/// Writes `x`, with the tensors in it, as one payload. The tensors' bytes are
/// shared, not copied.
///
/// The payload is little-endian: eight bytes that name the format and its
/// version, the length of the head, the head, and the tensors' bytes in the
/// head's order, each padded with zeros to the next multiple of 64. The head is
/// encode() of `x` with every tensor cut down to one without elements: a size
/// of 0 before its own sizes.
///
/// @returns the payload; or errc::invalid_argument if `x` is over a limit.
[[nodiscard]] expected<scattered_payload> pack(const value& x,
                                               const codec_limits& limits = {});

/// Reads what pack() wrote, in one piece. Copies no tensor: each shares
/// `payload`, and so keeps all of it alive. Whatever is accepted packs to the
/// same bytes again.
///
/// @param payload Starts at a multiple of 64 bytes in memory.
/// @returns the value; or errc::malformed, saying what was expected, if
///   `payload` is not exactly one packed value within the limits; or
///   errc::out_of_memory.
[[nodiscard]] expected<value> unpack(const shared_bytes& payload,
                                     const codec_limits& limits = {});

} // namespace posse
