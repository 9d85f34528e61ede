#include "runtime/device/helping_threads.hpp"
#include "test/support/catch.hpp"

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace posse;

TEST_CASE("every part is done once, whoever helps", "[runtime][helping]") {
  auto count = GENERATE(0U, 1U, 3U);
  auto parts = GENERATE(0U, 1U, 2U, 100U);
  INFO(count << " helpers, " << parts << " parts");
  helping_threads help{count};
  const help_scope scope{help};
  for (int round = 0; round < 20; ++round) {
    std::vector<std::atomic<int>> done(parts);
    help.share(parts, [&](std::size_t part) { ++done[part]; });
    for (auto& times : done)
      CHECK(times == 1);
  }
  CHECK(true); // with no parts
}

TEST_CASE("helpers come: parts that wait for one another are done together",
          "[runtime][helping]") {
  helping_threads help{1};
  const help_scope scope{help};
  std::latch both{2};
  help.share(2, [&](std::size_t) { both.arrive_and_wait(); });
  CHECK(both.try_wait());
}

TEST_CASE("what a part throws arrives, and the others are done",
          "[runtime][helping]") {
  helping_threads help{2};
  const help_scope scope{help};
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done{0};
    CHECK_THROWS_AS(help.share(10,
                               [&](std::size_t part) {
                                 if (part == 4)
                                   throw std::runtime_error{"part 4"};
                                 ++done;
                               }),
                    std::runtime_error);
    CHECK(done == 9);
  }
}

TEST_CASE("who comes while others are helped works alone",
          "[runtime][helping]") {
  helping_threads help{1};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const help_scope scope{help};
      for (int round = 0; round < 200; ++round)
        share_work(3, [&](std::size_t) {
          // Within a part, too.
          share_work(2, [&](std::size_t) { ++done; });
        });
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(done == 4 * 200 * 3 * 2);
}

TEST_CASE("a thread has help as long as a scope lives", "[runtime][helping]") {
  const auto threads_of = [] {
    std::latch both{2};
    std::atomic<int> met{0};
    share_work(2, [&](std::size_t) {
      both.count_down();
      // Alone, the first part would wait for the second for ever.
      met += both.try_wait() ? 1 : 0;
    });
    return met.load();
  };
  CHECK(threads_of() == 1);
  {
    helping_threads help{1};
    const help_scope outer{help};
    std::latch both{2};
    share_work(2, [&](std::size_t) { both.arrive_and_wait(); });
    CHECK(both.try_wait());
    helping_threads nobody{0};
    const help_scope inner{nobody};
    CHECK(threads_of() == 1);
  }
  CHECK(threads_of() == 1);
}
