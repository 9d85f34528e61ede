#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace posse {

inline namespace literals {

/// Byte sizes: `64_MiB`. The product must fit into 64 bits.
consteval std::int64_t operator""_KiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 10);
}
consteval std::int64_t operator""_MiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 20);
}
consteval std::int64_t operator""_GiB(unsigned long long n) {
  return static_cast<std::int64_t>(n << 30);
}

} // namespace literals

/// The largest size that parse_bytes() takes: 8 PiB, up to which every whole
/// number is a double.
inline constexpr std::int64_t max_bytes = std::int64_t{1} << 53;

/// Reads a size as people write it: a decimal number, then B, KiB, MiB, GiB,
/// TiB (powers of 1024), kB, MB, GB, TB (powers of 1000) or nothing (bytes),
/// with spaces allowed between them: "4GiB", "1.5 GiB", "4096".
///
/// @returns bytes in [0, max_bytes], a fraction of a byte cut off; or
///   errc::invalid_argument: `expected a size such as "4GiB", got ...`.
[[nodiscard]] expected<std::int64_t> parse_bytes(std::string_view text);

/// `bytes` exactly, in the largest binary unit that divides it: "4GiB",
/// "1536MiB", "1000B". parse_bytes() reads it back.
///
/// @param bytes >= 0
std::string format_bytes(std::int64_t bytes);

/// `bytes` as people read it, rounded: "512 B", "13.2 KiB", "1.4 GiB".
///
/// @param bytes >= 0
std::string readable_bytes(std::int64_t bytes);

} // namespace posse
