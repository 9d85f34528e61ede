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

// The instruction takes three cycles and starts every cycle: three streams keep
// it busy. Each is this long; longer ones join less often.
constexpr std::size_t stream_bytes = 4096;

/// zeros_after[k][b] is what the byte b at place k of a CRC becomes when
/// stream_bytes zeros follow.
constexpr std::array<table, 4> make_zeros_after() {
  // What becomes of each bit, for one zero and then for twice as many.
  std::array<std::uint32_t, 32> bits{};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const auto crc = std::uint32_t{1} << i;
    bits[i] = (crc >> 8) ^ tables[0][crc & 0xff];
  }
  const auto apply = [](const auto& map, std::uint32_t crc) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < map.size(); ++i)
      if ((crc >> i) & 1)
        out ^= map[i];
    return out;
  };
  for (std::size_t zeros = 1; zeros < stream_bytes; zeros *= 2) {
    const auto half = bits;
    for (auto& bit : bits)
      bit = apply(half, bit);
  }
  std::array<table, 4> out{};
  for (std::size_t k = 0; k < out.size(); ++k)
    for (std::uint32_t b = 0; b < 256; ++b)
      out[k][b] = apply(bits, b << (8 * k));
  return out;
}

static_assert(std::has_single_bit(stream_bytes) && stream_bytes % 8 == 0);

constexpr auto zeros_after = make_zeros_after();

std::uint32_t after_zeros(std::uint64_t crc) noexcept {
  std::uint32_t out = 0;
  for (std::size_t k = 0; k < zeros_after.size(); ++k)
    out ^= zeros_after[k][(crc >> (8 * k)) & 0xff];
  return out;
}

__attribute__((target("sse4.2"))) std::uint32_t
crc32c_sse42(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  std::uint64_t crc = ~before;
  for (; bytes.size() >= 3 * stream_bytes;
       bytes = bytes.subspan(3 * stream_bytes)) {
    const auto* at = bytes.data();
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const auto* end = at + stream_bytes; at < end; at += 8) {
      crc = _mm_crc32_u64(crc, load_word(at));
      second = _mm_crc32_u64(second, load_word(at + stream_bytes));
      third = _mm_crc32_u64(third, load_word(at + 2 * stream_bytes));
    }
    crc = after_zeros(after_zeros(crc) ^ second) ^ third;
  }
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
