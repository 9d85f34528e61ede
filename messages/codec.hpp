#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"
#include "messages/value.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace posse {

/// What a decoder accepts, and so what an encoder may write.
struct codec_limits {
  /// Of one encoded value, header included. CAF 0.17 cuts lengths to 32 bits,
  /// so that anything above 4 GiB would arrive as something else.
  std::size_t max_bytes{std::size_t{1} << 30};
  /// Of nesting: a list of numbers has depth 2. Bounds the decoder's stack.
  std::size_t max_depth{32};
  /// Values in all: the outermost, list elements and dict entries.
  std::size_t max_elements{std::size_t{1} << 20};
};

/// Takes the next part of an encoding; the span is valid during the call only.
using byte_sink = std::function<void(std::span<const std::byte>)>;

/// @returns the number of bytes that encode() writes for `x`; or
///   errc::invalid_argument if `x` is over a limit.
[[nodiscard]] expected<std::size_t>
encoded_size(const value& x, const codec_limits& limits = {});

/// Encodes `x` bit for bit: equal values have equal bytes on every machine.
///
/// The encoding is little-endian, made of multiples of 8 bytes, and starts with
/// eight bytes that name the format and its version. Then comes the value: a
/// cell of 32 bytes (type; dtype and rank of a tensor; the bool, int, double,
/// length or count), followed by the string's bytes, the tensor's sizes and
/// bytes, the list's values, or the dict's keys (a cell and bytes) and values
/// in the keys' order. Unused bytes are zero. Cells are wide on purpose: a list
/// takes at most twice as much memory as it takes bytes, so no small message
/// can make its reader allocate a lot. Numbers in bulk belong in tensors.
///
/// @returns the bytes; or errc::invalid_argument if `x` is over a limit.
[[nodiscard]] expected<std::vector<std::byte>>
encode(const value& x, const codec_limits& limits = {});

/// As encode(), but hands over the parts one by one. Tensors' bytes are handed
/// over where they lie, uncopied.
[[nodiscard]] expected<void> encode_to(const value& x, const byte_sink& sink,
                                       const codec_limits& limits = {});

/// Reads what encode() wrote. Nothing is allocated before all of `bytes` has
/// been checked, and then at most 2 * bytes.size() + 64 KiB. Whatever is
/// accepted encodes to the same bytes again.
///
/// The tensors share one buffer of their own; each starts at a multiple of 64
/// bytes (of 16 if it is smaller than 64 bytes).
///
/// @returns the value; or errc::malformed, naming the offset, if `bytes` is not
///   exactly one encoded value within the limits; or errc::out_of_memory.
[[nodiscard]] expected<value> decode_value(std::span<const std::byte> bytes,
                                           const codec_limits& limits = {});

/// As decode_value(), for the encoding of a tensor: anything else is
/// errc::malformed.
[[nodiscard]] expected<tensor_blob>
decode_tensor(std::span<const std::byte> bytes,
              const codec_limits& limits = {});

} // namespace posse
