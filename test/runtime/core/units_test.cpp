#include "runtime/core/units.hpp"
#include "test/support/catch.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace posse;

TEST_CASE("byte literals are powers of 1024", "[core][units]") {
  STATIC_CHECK(1_KiB == 1024);
  STATIC_CHECK(64_MiB == 67'108'864);
  STATIC_CHECK(4_GiB == 4'294'967'296);
}

TEST_CASE("sizes are read in binary and decimal units", "[core][units]") {
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"0", 0},           {"4096", 4096},         {"10B", 10},
      {"4GiB", 4_GiB},    {"512 MiB", 512_MiB},   {"3KiB", 3_KiB},
      {"1TiB", 1024_GiB}, {"1.5GiB", 1536_MiB},   {"2kB", 2000},
      {"2MB", 2'000'000}, {"2GB", 2'000'000'000}, {"1TB", 1'000'000'000'000},
      {"1.9B", 1},        {"8192TiB", max_bytes}};
  for (const auto& [text, bytes] : cases) {
    CAPTURE(text);
    CHECK(parse_bytes(text) == bytes);
  }
}

TEST_CASE("what is no size is refused", "[core][units]") {
  for (std::string text : {"", "GiB", "4gib", "-1", "+1", "inf", "nan",
                           "4 GiB ", " 4", "4GiBB", "0x10", "1e3", "four"}) {
    CAPTURE(text);
    auto bytes = parse_bytes(text);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error()
          == failure{errc::invalid_argument,
                     "expected a size such as \"4GiB\", got \"" + text + "\""});
  }
  for (std::string text :
       {"8193TiB", "99999999999999999999999TiB", "9007199254740994"}) {
    CAPTURE(text);
    auto bytes = parse_bytes(text);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().message
          == "expected a size of at most 8192TiB, got \"" + text + "\"");
  }
}

TEST_CASE("sizes are rounded for people", "[core][units]") {
  CHECK(readable_bytes(0) == "0 B");
  CHECK(readable_bytes(1023) == "1023 B");
  CHECK(readable_bytes(1_KiB) == "1.0 KiB");
  CHECK(readable_bytes(1_MiB - 1) == "1.0 MiB");
  CHECK(readable_bytes(13568) == "13.2 KiB");
  CHECK(readable_bytes(1536_MiB) == "1.5 GiB");
  CHECK(readable_bytes(max_bytes) == "8192.0 TiB");
}

TEST_CASE("sizes are printed exactly and read back", "[core][units]") {
  CHECK(format_bytes(0) == "0B");
  CHECK(format_bytes(1000) == "1000B");
  CHECK(format_bytes(1536_MiB) == "1536MiB");
  CHECK(format_bytes(4_GiB) == "4GiB");
  CHECK(format_bytes(max_bytes) == "8192TiB");
  for (std::int64_t bytes : {std::int64_t{0}, std::int64_t{1}, 7_KiB, 4_GiB + 1,
                             max_bytes - 1, max_bytes})
    CHECK(parse_bytes(format_bytes(bytes)) == bytes);
}
