#pragma once

#include <utility>

namespace posse {

/// A std::shared_ptr for what only one actor's code touches, its handlers and
/// callbacks: an actor runs in one thread at a time, so that owners are counted
/// without atomic operations. T has a number `owners`, 0 at first.
template <class T>
class local_ptr {
public:
  explicit local_ptr(T* x) noexcept : x_{x} { ++x_->owners; }
  local_ptr(const local_ptr& x) noexcept : x_{x.x_} {
    if (x_ != nullptr)
      ++x_->owners;
  }
  local_ptr(local_ptr&& x) noexcept : x_{std::exchange(x.x_, nullptr)} {}
  local_ptr& operator=(local_ptr x) noexcept {
    std::swap(x_, x.x_);
    return *this;
  }
  ~local_ptr() {
    if (x_ != nullptr && --x_->owners == 0)
      delete x_;
  }

  explicit operator bool() const noexcept { return x_ != nullptr; }
  T& operator*() const noexcept { return *x_; }
  T* operator->() const noexcept { return x_; }

private:
  T* x_;
};

} // namespace posse
