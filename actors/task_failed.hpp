#pragma once

#include "messages/failure.hpp"

#include <exception>
#include <type_traits>
#include <utility>

namespace posse {

/// How a failure travels inside a coroutine: thrown where it is awaited, caught
/// by the task. Never leaves a handler.
class task_failed : public std::exception {
public:
  explicit task_failed(failure why) : why_{std::move(why)} {}
  const char* what() const noexcept override { return why_.message.c_str(); }
  const failure& why() const noexcept { return why_; }

private:
  failure why_;
};

/// In a handler of `failed`: goes on where a particle's numbers are no numbers
/// any more (errc::non_finite), which ends the particle and not the run; throws
/// any other failure again.
inline void rethrow_unless_diverged(const task_failed& failed) {
  if (failed.why().code != errc::non_finite)
    throw;
}

template <class T>
T value_or_throw(expected<T>&& x) {
  if (!x)
    throw task_failed{std::move(x.error())};
  if constexpr (!std::is_void_v<T>)
    return std::move(*x);
}

} // namespace posse
