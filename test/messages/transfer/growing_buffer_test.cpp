#include "messages/transfer/growing_buffer.hpp"
#include "test/messages/transfer/payload_samples.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;

namespace {

growing_buffer buffer(std::uint64_t total) {
  auto x = growing_buffer::make(total);
  REQUIRE(x);
  return std::move(*x);
}

} // namespace

TEST_CASE("a buffer returns what was appended, aligned and in one piece",
          "[messages][transfer]") {
  for (const std::size_t total : {1, 63, 4096, 65536, 65537, 1000000}) {
    const auto bytes = samples::noise(total);
    auto x = buffer(total);
    const auto* start = x.bytes().data.get();
    for (std::size_t at = 0; at < total; at += 10001)
      REQUIRE(x.append(std::span{bytes}.subspan(
          at, std::min<std::size_t>(10001, total - at))));
    CHECK(x.size() == total);
    CHECK(std::ranges::equal(x.bytes().span(), bytes));
    CHECK(x.bytes().data.get() == start);
    CHECK(reinterpret_cast<std::uintptr_t>(start) % 64 == 0);
  }
}

TEST_CASE("a buffer takes at most twice what arrived and 64 KiB",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  constexpr std::size_t total = std::size_t{8} << 20;
  const auto piece = samples::noise(30000);
  auto x = buffer(total);
  CHECK(x.committed_bytes() == 0);
  while (x.size() < total) {
    const auto size = std::min(piece.size(), total - x.size());
    REQUIRE(x.append(std::span{piece}.first(size)));
    REQUIRE(x.committed_bytes() >= x.size());
    REQUIRE(x.committed_bytes() <= 2 * x.size() + 65536);
    REQUIRE(x.committed_bytes() <= total);
  }
}

TEST_CASE("a buffer counts what it takes beside what an earlier one had",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  const auto bytes = samples::noise(1000000);
  REQUIRE(buffer(bytes.size()).append(bytes));
  auto x = buffer(bytes.size());
  REQUIRE(x.append(bytes));
  CHECK(x.committed_bytes() == 0);
  CHECK(std::ranges::equal(x.bytes().span(), bytes));
}

TEST_CASE("announcing a lot costs nothing", "[messages][transfer]") {
  std::vector<growing_buffer> all;
  for (int i = 0; i < 8; ++i) { // 32 GiB in all
    all.push_back(buffer(std::uint64_t{1} << 32));
    REQUIRE(all.back().append(std::vector<std::byte>(1)));
    REQUIRE(all.back().committed_bytes() <= 65538);
  }
}

TEST_CASE("a size that no machine has is out of memory",
          "[messages][transfer]") {
  for (const auto total : {std::numeric_limits<std::uint64_t>::max(),
                           std::numeric_limits<std::uint64_t>::max() / 4,
                           std::uint64_t{1} << 61}) {
    const auto x = growing_buffer::make(total);
    REQUIRE_FALSE(x);
    CHECK(x.error().code == errc::out_of_memory);
  }
}

TEST_CASE("a payload outlives its buffer", "[messages][transfer]") {
  const auto bytes = samples::noise(100000);
  shared_bytes kept;
  {
    auto x = buffer(bytes.size());
    REQUIRE(x.append(bytes));
    kept = x.bytes();
  }
  CHECK(std::ranges::equal(kept.span(), bytes));
}
