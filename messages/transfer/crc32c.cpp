#include "messages/transfer/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little,
              "words are read as they lie in memory");

using table = std::array<std::uint32_t, 256>;

/// tables[k][b] is what the byte b does to the CRC when k more bytes follow.
constexpr std::array<table, 8> make_tables() {
  constexpr std::uint32_t reflected_polynomial = 0x82f63b78;
  std::array<table, 8> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    auto crc = b;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? reflected_polynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k)
    for (std::uint32_t b = 0; b < 256; ++b) {
      const auto crc = tables[k - 1][b];
      tables[k][b] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  return tables;
}

constexpr auto tables = make_tables();

std::uint64_t load_word(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) std::uint32_t
crc32c_sse42(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  std::uint64_t crc = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8))
    crc = _mm_crc32_u64(crc, load_word(bytes.data()));
  auto low = static_cast<std::uint32_t>(crc);
  for (const auto b : bytes)
    low = _mm_crc32_u8(low, std::to_integer<std::uint8_t>(b));
  return ~low;
}
#endif

} // namespace

std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                              std::uint32_t before) noexcept {
  auto crc = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const auto word = load_word(bytes.data()) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k)
      crc ^= tables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (const auto b : bytes)
    crc = (crc >> 8)
          ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(b)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> bytes,
                     std::uint32_t before) noexcept {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction)
    return crc32c_sse42(bytes, before);
#endif
  return crc32c_portable(bytes, before);
}

} // namespace posse
