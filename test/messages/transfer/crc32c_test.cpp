#include "messages/transfer/crc32c.hpp"
#include "test/messages/transfer/payload_samples.hpp"
#include "test/support/catch.hpp"

#include <string_view>

using namespace posse;

namespace {

std::vector<std::byte> ascending() {
  std::vector<std::byte> bytes(32);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

void check_vector(const std::vector<std::byte>& bytes, std::uint32_t crc) {
  CHECK(crc32c(bytes) == crc);
  CHECK(crc32c_portable(bytes) == crc);
}

} // namespace

TEST_CASE("CRC-32C gives the values of RFC 3720", "[messages][crc32c]") {
  check_vector(std::vector(32, std::byte{0}), 0x8a9136aa);
  check_vector(std::vector(32, std::byte{0xff}), 0x62a8ab43);
  auto bytes = ascending();
  check_vector(bytes, 0x46dd794e);
  std::ranges::reverse(bytes);
  check_vector(bytes, 0x113fdb5c);

  std::vector<std::byte> read_command(48);
  const std::pair<std::size_t, int> set[] = {{0, 0x01},  {1, 0xc0},  {16, 0x14},
                                             {22, 0x04}, {27, 0x14}, {31, 0x18},
                                             {32, 0x28}, {40, 0x02}};
  for (const auto& [at, content] : set)
    read_command[at] = static_cast<std::byte>(content);
  check_vector(read_command, 0xd9963a56);
}

TEST_CASE("CRC-32C gives the usual check value and 0 for nothing",
          "[messages][crc32c]") {
  const auto digits = std::as_bytes(std::span{std::string_view{"123456789"}});
  check_vector({digits.begin(), digits.end()}, 0xe3069283);
  check_vector({}, 0);
}

TEST_CASE("both ways to CRC-32C agree at every length and alignment",
          "[messages][crc32c]") {
  const auto bytes = samples::noise(300);
  for (std::size_t from = 0; from < 16; ++from)
    for (std::size_t size = 0; size + from <= bytes.size(); ++size) {
      const auto part = std::span{bytes}.subspan(from, size);
      REQUIRE(crc32c(part, 7) == crc32c_portable(part, 7));
    }
}

TEST_CASE("both ways to CRC-32C agree where streams join",
          "[messages][crc32c]") {
  const auto bytes = samples::noise(50'000);
  for (std::size_t size = 4090; size + 32 < bytes.size(); size += 4093)
    for (std::size_t from = 0; from < 16; ++from) {
      const auto part = std::span{bytes}.subspan(from, size + from);
      REQUIRE(crc32c(part, 7) == crc32c_portable(part, 7));
    }
}

TEST_CASE("CRC-32C of parts is that of the whole", "[messages][crc32c]") {
  const auto bytes = samples::noise(100);
  const auto whole = crc32c(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto [first, second] =
        std::pair{std::span{bytes}.first(cut), std::span{bytes}.subspan(cut)};
    CHECK(crc32c(second, crc32c(first)) == whole);
    CHECK(crc32c_portable(second, crc32c_portable(first)) == whole);
  }
}
