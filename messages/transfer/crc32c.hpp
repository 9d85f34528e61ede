#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace posse {

/// The CRC-32C (Castagnoli) of `bytes`: RFC 3720, appendix B.4. Uses the CPU's
/// instruction where there is one.
///
/// @param before The CRC-32C of the bytes that come before these, so that
///   crc32c(b, crc32c(a)) is that of a followed by b.
std::uint32_t crc32c(std::span<const std::byte> bytes,
                     std::uint32_t before = 0) noexcept;

/// As crc32c(), by tables on any CPU: eight bytes at a time (Kounavis & Berry,
/// ISCC 2005).
std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                              std::uint32_t before = 0) noexcept;

} // namespace posse
