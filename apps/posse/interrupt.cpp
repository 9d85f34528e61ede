#include "apps/posse/interrupt.hpp"

#include "apps/posse/exit_code.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>
#include <unistd.h>

namespace posse {

namespace {

// One wish may come as several signals: timeout(1) and shells signal the
// process and its group. What follows this soon belongs to the first.
constexpr std::int64_t one_wish_milliseconds = 500;

// When the first signal came; a signal may come to any thread.
std::atomic<std::int64_t> first_came{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now_milliseconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t); // allowed in a signal handler
  return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

extern "C" void note_signal(int) {
  const auto now = now_milliseconds();
  std::int64_t none = 0;
  if (!first_came.compare_exchange_strong(none, now)
      && now - none > one_wish_milliseconds)
    _exit(exit_interrupted);
}

} // namespace

interrupt_guard::interrupt_guard() {
  first_came = 0;
  struct sigaction noting {};
  noting.sa_handler = note_signal;
  noting.sa_flags = SA_RESTART;
  sigemptyset(&noting.sa_mask);
  sigaction(SIGINT, &noting, &former_interrupt_);
  sigaction(SIGTERM, &noting, &former_terminate_);
}

interrupt_guard::~interrupt_guard() {
  sigaction(SIGINT, &former_interrupt_, nullptr);
  sigaction(SIGTERM, &former_terminate_, nullptr);
}

bool interrupt_guard::requested() const noexcept {
  return first_came != 0;
}

} // namespace posse
