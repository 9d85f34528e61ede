#include "runtime/device/compute_thread.hpp"
#include "test/support/catch.hpp"

#include <ATen/Parallel.h>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

using namespace posse;

TEST_CASE("a prepared thread computes alone", "[runtime][device][stress]") {
  // What a thread is prepared for must not depend on the others' doing it at
  // the same time: each checks itself, Catch2's macros are for one thread.
  std::atomic<int> alone{0};
  constexpr int thread_count = 8;
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (int i = 0; i < thread_count; ++i)
    threads.emplace_back([&alone] {
      prepare_compute_thread();
      prepare_compute_thread();
      std::atomic<int> foreign{0};
      auto self = std::this_thread::get_id();
      at::parallel_for(0, 1 << 16, 1, [&](std::int64_t, std::int64_t) {
        if (std::this_thread::get_id() != self)
          ++foreign;
      });
      if (at::get_num_threads() == 1 && foreign == 0)
        ++alone;
    });
  for (auto& t : threads)
    t.join();
  CHECK(alone == thread_count);
}

TEST_CASE("a prepared thread keeps denormal numbers", "[runtime][device]") {
  float kept = 0;
  std::thread{[&kept] {
    prepare_compute_thread();
    auto smallest = at::full({64}, std::numeric_limits<float>::min());
    kept = (smallest * 0.5).min().item<float>();
  }}.join();
  CHECK(kept == std::numeric_limits<float>::min() / 2);
}
