#include "messages/transfer/chunk_memory.hpp"
#include "messages/transfer/transfer_limits.hpp"
#include "test/messages/transfer/payload_samples.hpp"
#include "test/support/catch.hpp"

#include <set>
#include <thread>
#include <vector>

using namespace posse;

TEST_CASE("a chunk's copy has its bytes, whatever its size",
          "[messages][transfer]") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{65537},
        max_chunk_bytes}) {
    const auto bytes = samples::noise(size);
    const auto copy = copy_chunk(bytes);
    CHECK(copy.size == size);
    CHECK(std::ranges::equal(copy.span(), bytes));
    CHECK((size == 0 || copy.data.get() != bytes.data()));
  }
}

TEST_CASE("chunks that are alive share no memory, later ones reuse it",
          "[messages][transfer]") {
  const auto bytes = samples::noise(100'000);
  std::set<const std::byte*> places;
  {
    std::vector<shared_bytes> alive;
    for (int i = 0; i < 4; ++i)
      places.insert(alive.emplace_back(copy_chunk(bytes)).data.get());
    CHECK(places.size() == 4);
  }
  for (int i = 0; i < 100; ++i)
    CHECK(places.contains(copy_chunk(bytes).data.get()));
}

TEST_CASE("chunks of many threads keep their bytes", "[messages][transfer]") {
  std::vector<std::jthread> threads;
  std::vector<int> intact(4);
  for (std::size_t t = 0; t < intact.size(); ++t)
    threads.emplace_back([t, &intact] {
      const std::vector<std::byte> mine(80'000 + t, std::byte(t));
      std::vector<shared_bytes> alive;
      for (int i = 0; i < 500; ++i) {
        alive.push_back(copy_chunk(mine));
        if (alive.size() == 6) {
          for (const auto& x : alive)
            intact[t] += std::ranges::equal(x.span(), mine);
          alive.clear();
        }
      }
    });
  threads.clear();
  for (const auto count : intact)
    CHECK(count == 498);
}
