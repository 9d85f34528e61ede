#pragma once

#include "messages/failure.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace posse {

/// The answer that a thread waits for; the first one counts.
template <class T>
class one_answer {
public:
  void set(expected<T> x) {
    const std::lock_guard lock{mutex_};
    if (!x_)
      x_ = std::move(x);
    there_.notify_all();
  }
  expected<T> wait() {
    std::unique_lock lock{mutex_};
    there_.wait(lock, [this] { return x_.has_value(); });
    return std::move(*x_);
  }

private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<expected<T>> x_;
};

} // namespace posse
