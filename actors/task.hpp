#pragma once

#include "actors/response.hpp"
#include "actors/task_failed.hpp"
#include "messages/caf_errors.hpp"
#include "messages/failure.hpp"

#include <caf/response_promise.hpp>
#include <caf/typed_response_promise.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

/// Coroutines on top of CAF requests: a handler suspends instead of blocking.
///
/// `co_await x` gives x's value; if x failed, the failure ends the coroutine
/// and becomes its result (an algorithm then reads without error handling at
/// every line). `co_await as_expected(x)` gives an `expected` instead.
namespace posse {

/// A coroutine that starts when called and is awaited at most once. Dropping it
/// destroys its frame at whatever point it is suspended. It starts eagerly, so
/// that a chain of tasks that never suspend does not grow the stack.
///
/// Parameters of such coroutines are taken by value; references must outlive
/// the actor's tasks (its state does).
template <class T>
class [[nodiscard]] task {
public:
  struct promise_type {
    std::optional<expected<T>> result;
    std::coroutine_handle<> parent = std::noop_coroutine();

    task get_return_object() { return task{handle::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct resume_parent {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(handle h) noexcept {
          return h.promise().parent;
        }
        void await_resume() noexcept {}
      };
      return resume_parent{};
    }
    void return_value(expected<T> x) { result = std::move(x); }
    void unhandled_exception() noexcept {
      try {
        throw;
      } catch (task_failed& e) {
        result = tl::unexpected<failure>{e.why()};
      } catch (const std::exception& e) {
        result = fail(errc::backend_error, e.what());
      } catch (...) {
        result = fail(errc::backend_error, "an unknown exception");
      }
    }
  };
  using handle = std::coroutine_handle<promise_type>;
  using value_type = T;

  task(task&& x) noexcept : h_{std::exchange(x.h_, {})} {}
  task& operator=(task&&) = delete;
  ~task() {
    if (h_)
      h_.destroy();
  }

  bool await_ready() const noexcept { return h_.done(); }
  void await_suspend(std::coroutine_handle<> parent) noexcept {
    h_.promise().parent = parent;
  }
  T await_resume() { return value_or_throw(take()); }

  /// The result of a finished task; for awaiters.
  expected<T> take() { return std::move(*h_.promise().result); }

private:
  explicit task(handle h) : h_{h} {}
  handle h_;
};

/// The handlers of one actor that are still running, each tied to the promise
/// it will answer. Declare it the *last* member of an actor's state: it is
/// destroyed first, and with it every suspended frame, while what the frames
/// refer to still exists.
class running_tasks {
public:
  running_tasks() = default;
  running_tasks(const running_tasks&) = delete;
  running_tasks& operator=(const running_tasks&) = delete;
  ~running_tasks() {
    while (first_ != nullptr)
      first_->self().destroy(); // its destructor takes it out of the list
  }

  bool empty() const noexcept { return first_ == nullptr; }

  /// Answers the request being handled with what `t` returns, now or later;
  /// with errc::actor_down if the actor ends first. `finish` turns the task's
  /// `expected<T>` into an `expected<Ack>`.
  template <class Ack, class Self, class T, class Finish>
  caf::result<Ack> answer(Self* self, task<T> t, Finish finish) {
    auto promise = self->template make_response_promise<Ack>();
    run<Ack>(this, answer_guard<Ack>{promise}, std::move(t), std::move(finish));
    return promise;
  }

  /// Runs `t` with nobody to answer.
  template <class T, class Finish>
  void start(task<T> t, Finish finish) {
    run_alone(this, std::move(t), std::move(finish));
  }

private:
  template <class Ack>
  struct answer_guard { // answers even if the frame dies while suspended
    caf::typed_response_promise<Ack> promise;
    explicit answer_guard(caf::typed_response_promise<Ack> p)
        : promise{std::move(p)} {}
    answer_guard(answer_guard&&) = default;
    ~answer_guard() {
      if (promise.pending())
        promise.deliver(to_error(
            {errc::actor_down, "the actor ended before it could answer"}));
    }
  };

  struct frame {
    struct promise_type {
      running_tasks* owner;
      promise_type* previous{nullptr};
      promise_type* next;

      template <class... Ts>
      explicit promise_type(running_tasks* o, Ts&&...)
          : owner{o}, next{o->first_} {
        if (next != nullptr)
          next->previous = this;
        owner->first_ = this;
      }
      ~promise_type() {
        (previous == nullptr ? owner->first_ : previous->next) = next;
        if (next != nullptr)
          next->previous = previous;
      }
      std::coroutine_handle<promise_type> self() {
        return std::coroutine_handle<promise_type>::from_promise(*this);
      }
      frame get_return_object() { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() noexcept {
        std::terminate();
      } // task caught it
    };
  };

  template <class Ack, class T, class Finish>
  static frame run(running_tasks*, answer_guard<Ack> guard, task<T> t,
                   Finish finish) {
    auto result = finish(co_await as_expected(std::move(t)));
    if (result)
      guard.promise.deliver(std::move(*result));
    else
      guard.promise.deliver(to_error(result.error()));
  }

  template <class T, class Finish>
  static frame run_alone(running_tasks*, task<T> t, Finish finish) {
    finish(co_await as_expected(std::move(t)));
  }

  frame::promise_type* first_{nullptr};
};

} // namespace posse
