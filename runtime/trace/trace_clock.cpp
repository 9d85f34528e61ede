#include "runtime/trace/trace_clock.hpp"

#include <chrono>

namespace posse {

namespace {

template <class Clock>
std::int64_t nanoseconds(typename Clock::duration x) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(x).count();
}

} // namespace

trace_clock trace_clock::start() {
  using steady = std::chrono::steady_clock;
  using wall = std::chrono::system_clock;
  return {[began = steady::now()] {
            return nanoseconds<steady>(steady::now() - began);
          },
          nanoseconds<wall>(wall::now().time_since_epoch())};
}

} // namespace posse
