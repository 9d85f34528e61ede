#include "runtime/core/run_queue.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace posse;

namespace {

/// Jobs to be told apart; what they are is the queue's business not at all.
std::array<int, 100> jobs;

void* job(std::size_t i) {
  return &jobs[i];
}

} // namespace

TEST_CASE("jobs start in the order in which they came", "[core][run_queue]") {
  run_queue queue{1};
  for (std::size_t i = 0; i < 5; ++i)
    queue.push(job(i));
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(queue.take(0) == job(i));
}

TEST_CASE("what a job hands on is next, and sends what was next to the end",
          "[core][run_queue]") {
  run_queue queue{1};
  queue.push(job(0));
  queue.push_next(0, job(1));
  queue.push_next(0, job(2));
  CHECK(queue.take(0) == job(2));
  CHECK(queue.take(0) == job(0));
  CHECK(queue.take(0) == job(1));
}

TEST_CASE("a conversation does not keep others waiting for ever",
          "[core][run_queue]") {
  run_queue queue{1};
  queue.push(job(0));
  int turns = 0;
  do {
    REQUIRE(++turns < 100);
    queue.push_next(0, job(1));
  } while (queue.take(0) != job(0));
  CHECK(queue.take(0) == job(1)); // it was not forgotten
}

TEST_CASE("a worker without work takes what another one's long job handed on",
          "[core][run_queue]") {
  run_queue queue{2};
  // This thread is worker 0, whose job goes on and on.
  queue.push_next(0, job(7));
  void* taken = nullptr;
  std::jthread{[&] { taken = queue.take(1); }}.join();
  CHECK(taken == job(7));
}

TEST_CASE("a push wakes a worker that sleeps", "[core][run_queue]") {
  run_queue queue{1};
  for (std::size_t i = 0; i < 20; ++i) {
    void* taken = nullptr;
    std::jthread worker{[&] { taken = queue.take(0); }};
    queue.push(job(i));
    worker.join();
    REQUIRE(taken == job(i));
  }
}

TEST_CASE("what nobody took is left, wherever it was", "[core][run_queue]") {
  run_queue queue{3};
  queue.push(job(0));
  queue.push_next(1, job(1));
  queue.push_next(2, job(2));
  std::vector<void*> left;
  while (auto* each = queue.take_left())
    left.push_back(each);
  std::ranges::sort(left);
  CHECK(left == std::vector{job(0), job(1), job(2)});
}

TEST_CASE("every job runs once, whoever pushed it",
          "[core][run_queue][stress]") {
  constexpr std::size_t workers = 4;
  constexpr std::size_t chains = 32;
  constexpr int links = 500;
  /// Hands itself on until it has run often enough.
  struct chain {
    std::atomic<int> runs{0};
    std::atomic<bool> runs_now{false};
  };
  run_queue queue{workers};
  std::vector<chain> all(chains);
  std::atomic<std::size_t> ended{0};
  std::atomic<int> overlaps{0};
  int stop = 0;
  std::vector<std::jthread> threads;
  for (std::size_t w = 0; w < workers; ++w)
    threads.emplace_back([&, w] {
      for (;;) {
        auto* taken = queue.take(w);
        if (taken == &stop)
          return;
        auto& each = *static_cast<chain*>(taken);
        overlaps += each.runs_now.exchange(true);
        const auto runs = ++each.runs;
        each.runs_now = false;
        if (runs == links) {
          if (++ended == chains)
            for (std::size_t i = 0; i < workers; ++i)
              queue.push(&stop);
        } else if (runs % 3 == 0) {
          queue.push(&each);
        } else {
          queue.push_next(w, &each);
        }
      }
    });
  for (auto& each : all)
    queue.push(&each);
  threads.clear();
  CHECK(overlaps == 0);
  for (const auto& each : all)
    CHECK(each.runs == links);
  CHECK(queue.take_left() == nullptr);
}
