#include "apps/posse/interrupt.hpp"

#include "apps/posse/exit_code.hpp"

#include <atomic>
#include <unistd.h>

namespace posse {

namespace {

// A signal may come to any thread.
std::atomic<bool> came{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void note_signal(int) {
  if (came.exchange(true))
    _exit(exit_interrupted);
}

} // namespace

interrupt_guard::interrupt_guard() {
  came = false;
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
  return came;
}

} // namespace posse
