#include "messages/transfer/payload_mapping.hpp"
#include "test/support/catch.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

using namespace posse;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

std::shared_ptr<payload_mapping> used(std::size_t size) {
  auto x = payload_mapping::take(size);
  REQUIRE(x);
  REQUIRE(x->commit(size));
  std::memset(x->data(), 1, size);
  return x;
}

} // namespace

TEST_CASE("a mapping has addresses at once and memory on demand",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  for (const auto size : {std::size_t{1}, 3 * mib + 1, 64 * mib}) {
    const auto x = payload_mapping::take(size);
    REQUIRE(x);
    CHECK(x->capacity() >= size);
    CHECK(x->committed_bytes() == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(x->data()) % 4096 == 0);
    REQUIRE(x->commit(size));
    CHECK(x->committed_bytes() >= size);
    std::memset(x->data(), 1, size);
  }
}

TEST_CASE("a mapping that nobody uses serves the next of about its size",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  auto first = used(4 * mib);
  const auto* place = first->data();
  CHECK(used(4 * mib)->data() != place); // it is in use
  first.reset();
  CHECK(payload_mapping::take(5 * mib)->data() != place); // too small
  CHECK(payload_mapping::take(mib)->data() != place);     // much too large
  const auto next = payload_mapping::take(3 * mib);
  CHECK(next->data() == place);
  CHECK(next->committed_bytes() == 4 * mib);
}

TEST_CASE("what is kept is bounded, and the oldest goes first",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  constexpr auto size = payload_mapping::most_kept_bytes / 3;
  std::vector<std::shared_ptr<payload_mapping>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(used(size));
  for (auto& each : all)
    each.reset();
  int kept = 0;
  for (auto& each : all) {
    each = payload_mapping::take(size);
    kept += each->committed_bytes() > 0;
  }
  CHECK(kept == 3);
  CHECK(used(2 * payload_mapping::most_kept_bytes)->capacity() > 0);
  all.clear(); // what is too large was not kept in their place
  CHECK(payload_mapping::take(size)->committed_bytes() > 0);
}

TEST_CASE("what is not taken for a while goes back to the system",
          "[messages][transfer]") {
  payload_mapping::free_kept();
  used(mib).reset();
  payload_mapping::free_unused(); // it was used since the last call
  used(mib).reset();
  payload_mapping::free_unused();
  payload_mapping::free_unused();
  CHECK(payload_mapping::take(mib)->committed_bytes() == 0);
}

TEST_CASE("a size that no machine has gets no mapping",
          "[messages][transfer]") {
  CHECK(payload_mapping::take(std::size_t{1} << 62) == nullptr);
}
