#include "messages/transfer/chunk.hpp"
#include "test/messages/transfer/transfer_samples.hpp"

#include <cstring>
#include <limits>
#include <string>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr chunk_header sample{.transfer = 0x0102030405060708,
                              .total = 0x1122334455,
                              .offset = 0x300000,
                              .index = 3,
                              .size = 0x100000,
                              .checksum = 0xdeadbeef};

std::string refusal(std::span<const std::byte> bytes) {
  const auto result = decode_chunk_header(bytes);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::malformed);
  return result.error().message;
}

std::string refusal(const chunk_header& x) {
  return refusal(encode(x));
}

} // namespace

TEST_CASE("a chunk header survives its encoding", "[messages][transfer]") {
  CHECK(decode_chunk_header(encode(sample)) == sample);
  const chunk_header least{.transfer = 1, .total = 1, .size = 1};
  CHECK(decode_chunk_header(encode(least)) == least);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const chunk_header last{.transfer = most,
                          .total = most,
                          .offset = most - 1,
                          .index = most - 1,
                          .size = 1,
                          .checksum = 0xffffffff};
  CHECK(decode_chunk_header(encode(last)) == last);
}

TEST_CASE("the encoding of a chunk header is the documented one",
          "[messages][transfer]") {
  const auto bytes = encode(sample);
  const std::string expected_bytes{"posse-c\x01"
                                   "\x08\x07\x06\x05\x04\x03\x02\x01"
                                   "\x55\x44\x33\x22\x11\0\0\0"
                                   "\0\0\x30\0\0\0\0\0"
                                   "\x03\0\0\0\0\0\0\0"
                                   "\0\0\x10\0"
                                   "\xef\xbe\xad\xde",
                                   48};
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())
        == expected_bytes);
}

TEST_CASE("bytes that are no chunk header are refused",
          "[messages][transfer]") {
  auto bytes = encode(sample);
  CHECK_THAT(refusal(std::span{bytes}.first(47)),
             ContainsSubstring("expected 48 bytes, got 47"));
  CHECK_THAT(refusal(std::span<const std::byte>{}),
             ContainsSubstring("expected 48 bytes, got 0"));
  bytes[7] = std::byte{2};
  CHECK_THAT(refusal(bytes), ContainsSubstring("version 1, got 2"));
  bytes[0] = std::byte{'P'};
  CHECK_THAT(refusal(bytes), ContainsSubstring("none"));
}

TEST_CASE("a chunk header that no chunk could have is refused",
          "[messages][transfer]") {
  auto x = sample;
  x.transfer = 0;
  CHECK_THAT(refusal(x), ContainsSubstring("transfer id"));
  for (const std::uint32_t size : {0u, (1u << 20) + 1, 0xffffffffu}) {
    x = sample;
    x.size = size;
    CHECK_THAT(refusal(x), ContainsSubstring("size in [1, 1048576]"));
  }
  x = sample;
  x.total = x.offset + x.size - 1;
  CHECK_THAT(refusal(x), ContainsSubstring("bytes in all"));
  x.total = 1;
  CHECK_THAT(refusal(x), ContainsSubstring("bytes in all"));
  x = sample;
  x.offset = std::numeric_limits<std::uint64_t>::max(); // + size overflows
  CHECK_THAT(refusal(x), ContainsSubstring("bytes in all"));
  x = sample;
  x.index = x.offset + 1;
  CHECK_THAT(refusal(x), ContainsSubstring("earlier chunks"));
  x.index = 0;
  CHECK_THAT(refusal(x), ContainsSubstring("earlier chunks"));
}

TEST_CASE("the checksum changes with every bit of header and bytes",
          "[messages][transfer]") {
  auto bytes = samples::noise(20);
  const auto right = checksum(sample, bytes);
  // From behind the format's name, which is the same in every header, up to
  // the checksum.
  for (std::size_t bit = 64; bit < 352; ++bit) {
    auto encoded = encode(sample);
    encoded[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    chunk_header flipped;
    std::memcpy(&flipped, encoded.data() + 8, sizeof(flipped));
    CHECK(checksum(flipped, bytes) != right);
  }
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1 << bit % 8);
    bytes[bit / 8] ^= mask;
    CHECK(checksum(sample, bytes) != right);
    bytes[bit / 8] ^= mask;
  }
  auto other = sample;
  other.checksum = 0; // is not part of itself
  CHECK(checksum(other, bytes) == right);
}

TEST_CASE("limits out of range are named", "[messages][transfer]") {
  CHECK(check(transfer_limits{}));
  CHECK(check(samples::small_limits()));
  const auto refused = [](const transfer_limits& x) {
    const auto result = check(x);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::invalid_argument);
    return result.error().message;
  };
  CHECK_THAT(refused({.chunk_bytes = 0}), ContainsSubstring("chunk_bytes"));
  CHECK_THAT(refused({.chunk_bytes = max_chunk_bytes + 1}),
             ContainsSubstring("chunk_bytes: expected a number in "
                               "[1, 1048576], got 1048577"));
  CHECK_THAT(refused({.window = 0}), ContainsSubstring("window"));
  CHECK_THAT(refused({.max_transfer_bytes = 0}),
             ContainsSubstring("max_transfer_bytes"));
  CHECK_THAT(refused({.open_transfers = 0}),
             ContainsSubstring("open_transfers"));
  CHECK_THAT(refused({.max_transfer_bytes = 9, .open_bytes = 8}),
             ContainsSubstring("open_bytes"));
  CHECK_THAT(refused({.queued_transfers = 0}),
             ContainsSubstring("queued_transfers"));
}
