#pragma once

#include "test/runtime/compute/schedule_jobs.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace posse::test {

/// Threads that compute on a device's particles, for stress tests.
class lanes_at_work {
public:
  static constexpr std::uint32_t particles = 7;
  static constexpr std::size_t lanes = 3;
  static constexpr int operations = 300; ///< of each lane

  explicit lanes_at_work(lane_schedule& schedule) : schedule_{schedule} {}

  /// Makes the particles and has each lane train them or look at them, in an
  /// order of its own. @param between Called before each operation of lane 0,
  /// with its number.
  void run(const std::shared_ptr<const compiled_recipe>& made_of,
           const std::function<void(int)>& between = {}) {
    for (std::uint32_t i = 0; i < particles; ++i)
      create(schedule_, {i}, made_of);
    std::vector<std::thread> threads;
    for (std::size_t lane = 0; lane < lanes; ++lane)
      threads.emplace_back([&, lane] {
        for (int i = 0; i < operations; ++i) {
          if (lane == 0 && between)
            between(i);
          operate(lane, i);
        }
      });
    for (auto& t : threads)
      t.join();
    check();
  }

private:
  void operate(std::size_t lane, int i) {
    const particle_id pid{
        static_cast<std::uint32_t>((i * 5 + lane * 3) % particles)};
    std::shared_ptr<device_job> job;
    if (i % 4 == 3)
      job = std::make_shared<look>(pid);
    else
      job = std::make_shared<use>(pid);
    // What cannot run now waits and is run by whoever makes room for it.
    auto placed = schedule_.place(*job);
    if (!placed)
      ++failed_;
    else if (*placed)
      compute(*job);
    else {
      std::atomic<bool> done{false};
      schedule_.wait(
          job, [&] { done = true; }, [&](const failure&) { ++failed_; });
      schedule_.start_waiting();
      while (!done)
        std::this_thread::yield();
      compute(*job);
    }
  }

  void compute(device_job& job) {
    auto& held = job.leases.front();
    auto& users = in_use_.at(held.entry->pid.number);
    clashes_ += users.fetch_add(1) == 0 ? 0 : 1;
    const bool reads = dynamic_cast<look*>(&job) != nullptr;
    if (!(reads ? read(job) : train(held)))
      ++failed_;
    --users;
    if (schedule_.finish(job))
      schedule_.start_waiting();
  }

  bool train(const lease& held) {
    auto seat = settle(held, schedule_.swaps());
    ++trained_;
    return seat
           && train_step({*held.entry, **seat}, batch_.first, batch_.second);
  }

  static bool read(const device_job& job) {
    const held_leases held{job.leases};
    const bool there = bring_rows(held, row_use::read).has_value();
    const bool sound = there
                       && parameter_row(*held[0].entry, row_of(held[0]))
                              .isfinite()
                              .all()
                              .item<bool>();
    return return_rows(held, row_use::read) && sound;
  }

  void check() {
    CHECK(clashes_ == 0);
    CHECK(failed_ == 0);
    const auto steps = schedule_.with_store([](particle_store& store) {
      std::int64_t sum = 0;
      for (std::uint32_t i = 0; i < particles; ++i)
        sum += store.find({i})->steps;
      return sum;
    });
    CHECK(steps == trained_);
    CHECK(trained_ == static_cast<int>(lanes) * operations * 3 / 4);
  }

  lane_schedule& schedule_;
  std::pair<at::Tensor, at::Tensor> batch_{small_batch(1)};
  std::array<std::atomic<int>, particles> in_use_{};
  std::atomic<int> clashes_{0};
  std::atomic<int> failed_{0};
  std::atomic<int> trained_{0};
};

} // namespace posse::test
