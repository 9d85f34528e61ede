#include "runtime/data/prepared_cache.hpp"
#include "test/support/catch.hpp"

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace posse;

TEST_CASE("a value is prepared once while it is kept", "[runtime][data]") {
  prepared_cache<int, int> cache{100};
  int made = 0;
  auto make = [&] { return ++made; };
  auto first = cache.get(7, 10, make);
  CHECK(*first == 1);
  CHECK(cache.get(7, 10, make) == first);
  CHECK(made == 1);
}

TEST_CASE("the least recently used value goes first", "[runtime][data]") {
  prepared_cache<int, int> cache{20};
  int made = 0;
  auto make = [&] { return ++made; };
  auto one = cache.get(1, 10, make);
  cache.get(2, 10, make);
  cache.get(1, 10, make); // now 2 is the oldest
  cache.get(3, 10, make); // evicts 2
  CHECK(cache.used_bytes() == 20);
  CHECK(made == 3);
  CHECK(cache.get(1, 10, make) == one);
  CHECK(made == 3);
  cache.get(2, 10, make);
  CHECK(made == 4);
}

TEST_CASE("a value larger than the cache is still handed out",
          "[runtime][data]") {
  prepared_cache<int, int> cache{5};
  CHECK(*cache.get(1, 10, [] { return 1; }) == 1);
  CHECK(*cache.get(2, 10, [] { return 2; }) == 2);
  CHECK(cache.used_bytes() == 10);
}

TEST_CASE("a value that could not be prepared is tried again",
          "[runtime][data]") {
  prepared_cache<int, int> cache{100};
  CHECK_THROWS(cache.get(1, 10, []() -> int { throw std::bad_alloc{}; }));
  CHECK(*cache.get(1, 10, [] { return 5; }) == 5);
}

TEST_CASE("threads that want the same value wait for one maker",
          "[runtime][data]") {
  prepared_cache<int, int> cache{1000};
  std::atomic<int> made{0};
  std::atomic<int> wrong{0};
  std::latch start{4};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int key = 0; key < 100; ++key)
        wrong += *cache.get(key, 10, [&] { return ++made, key; }) != key;
    });
  threads.clear();
  CHECK(made == 100);
  CHECK(wrong == 0);
}
