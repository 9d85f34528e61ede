#pragma once

#include <csignal>

namespace posse {

/// While one lives, the first SIGINT or SIGTERM is only noted, so that the run
/// can end with a checkpoint; one that comes half a second later or more ends
/// the process at once, with exit_interrupted. Destroying it brings the former
/// handling back. One at a time.
class interrupt_guard {
public:
  interrupt_guard();
  ~interrupt_guard();
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

  /// Whether a signal has come.
  bool requested() const noexcept;

private:
  struct sigaction former_interrupt_ {};
  struct sigaction former_terminate_ {};
};

} // namespace posse
