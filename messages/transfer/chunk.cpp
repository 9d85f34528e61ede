#include "messages/transfer/chunk.hpp"

#include "messages/transfer/crc32c.hpp"
#include "messages/transfer/transfer_limits.hpp"

#include <bit>
#include <cstring>
#include <string>
#include <type_traits>

namespace posse {

namespace {

static_assert(std::endian::native == std::endian::little,
              "fields are copied as they lie in memory");
static_assert(std::has_unique_object_representations_v<chunk_header>,
              "a header is copied whole");

/// What every encoded header starts with; the last byte is the version.
constexpr std::array<char, 8> magic{'p', 'o', 's', 's', 'e', '-', 'c', 1};
static_assert(magic.size() + sizeof(chunk_header)
              == std::tuple_size_v<encoded_chunk_header>);

tl::unexpected<failure> malformed(const std::string& why) {
  return fail(errc::malformed, "chunk header: " + why);
}

} // namespace

std::uint32_t checksum(const chunk_header& header,
                       std::span<const std::byte> bytes) noexcept {
  const auto encoded = encode(header);
  const std::span fields{encoded};
  return crc32c(bytes,
                crc32c(fields.first(encoded.size() - sizeof(header.checksum))));
}

expected<void> check(const chunk_header& x) {
  if (x.transfer == 0)
    return malformed("expected a transfer id from 1 up, got 0");
  if (x.size == 0 || x.size > max_chunk_bytes)
    return malformed("expected a size in [1, " + std::to_string(max_chunk_bytes)
                     + "], got " + std::to_string(x.size));
  if (x.size > x.total || x.offset > x.total - x.size)
    return malformed("expected at most " + std::to_string(x.total)
                     + " bytes in all, got " + std::to_string(x.size)
                     + " at offset " + std::to_string(x.offset));
  // Each of the chunks before this one had at least one byte.
  if (x.index > x.offset || (x.index == 0 && x.offset > 0))
    return malformed("expected " + std::to_string(x.index)
                     + " earlier chunks to fit the offset, got offset "
                     + std::to_string(x.offset));
  return {};
}

encoded_chunk_header encode(const chunk_header& header) noexcept {
  encoded_chunk_header bytes;
  std::memcpy(bytes.data(), magic.data(), magic.size());
  std::memcpy(bytes.data() + magic.size(), &header, sizeof(header));
  return bytes;
}

expected<chunk_header> decode_chunk_header(std::span<const std::byte> bytes) {
  constexpr auto size = std::tuple_size_v<encoded_chunk_header>;
  if (bytes.size() != size)
    return malformed("expected " + std::to_string(size) + " bytes, got "
                     + std::to_string(bytes.size()));
  if (std::memcmp(bytes.data(), magic.data(), magic.size() - 1) != 0)
    return malformed("these bytes are none");
  const auto version = std::to_integer<int>(bytes[magic.size() - 1]);
  if (version != magic.back())
    return malformed("expected format version " + std::to_string(magic.back())
                     + ", got " + std::to_string(version));
  chunk_header header;
  std::memcpy(&header, bytes.data() + magic.size(), sizeof(header));
  if (auto ok = check(header); !ok)
    return fail(std::move(ok));
  return header;
}

} // namespace posse
