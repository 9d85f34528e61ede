#pragma once

#include "actors/local_ptr.hpp"
#include "actors/outbox.hpp"
#include "actors/send_window.hpp"
#include "actors/task_failed.hpp"
#include "messages/caf_errors.hpp"
#include "messages/failure.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace posse {

/// Counts answers down and resumes who waits for them. Lives in the awaiting
/// frame; an answer that comes after the frame is gone finds no latch.
struct response_latch {
  std::size_t missing{0};
  std::coroutine_handle<> waiting;
  outbox* asker{nullptr}; ///< of the particle that waits, if one does
  std::uint64_t handler{0};

  /// One of those who are waited for.
  void add(request_slot& x) noexcept {
    ++missing;
    x.latch = this;
    if (x.window != nullptr) {
      asker = &x.window->from();
      handler = asker->running_handler();
    }
  }
  void count_down() {
    if (--missing > 0)
      return;
    const handler_scope scope{asker, handler};
    waiting.resume(); // ends this latch
  }
};

/// The answer to one request, now or later. CAF keeps the callbacks until the
/// answer comes or the actor ends, so they share this object's slot and never
/// touch a frame.
///
/// A request beyond its window (most_unanswered) is held back in this object.
/// It goes when the window opens, at the latest when it is awaited. One that is
/// dropped before is not sent, and its handler fails with errc::overloaded.
template <class T>
class [[nodiscard]] response {
public:
  using value_type = T;

  /// Takes a CAF response handle, or anything with a `then` for `Ack&` and
  /// caf::error&, and turns the answer into a T with `convert`.
  template <class Ack, class Handle, class Convert>
  static response from(Handle&& pending, Convert convert) {
    response out;
    hear<Ack>(
        out.slot_,
        [&pending](auto on_ack, auto on_error) {
          pending.then(std::move(on_ack), std::move(on_error));
        },
        std::move(convert));
    return out;
  }

  template <class Handle>
  static response from(Handle&& pending) {
    return from<T>(std::forward<Handle>(pending),
                   [](T&& x) { return expected<T>{std::move(x)}; });
  }

  /// A request that goes now; `window` is open. `send` is called with what is
  /// to be done with an `Ack&` and with a caf::error&.
  template <class Ack, class Send, class Convert>
  static response sent(send_window& window, Send send, Convert convert) {
    response out;
    out.slot_->window = &window;
    window.begin();
    hear<Ack>(out.slot_, std::move(send), std::move(convert));
    return out;
  }

  /// A request that has to wait, since `window` is full; `name` is what a
  /// failure calls it.
  template <class Ack, class Send, class Convert>
  static response held_back(send_window& window, std::string name, Send send,
                            Convert convert) {
    response out;
    out.slot_->window = &window;
    out.slot_->held = std::make_unique<held<Ack, Send, Convert>>(
        window, std::move(name), *out.slot_, std::move(send),
        std::move(convert));
    return out;
  }

  /// One or the other. `name` is static.
  template <class Ack, class Send, class Convert>
  static response through(send_window& window, const char* name, Send send,
                          Convert convert) {
    if (window.is_open()) [[likely]]
      return sent<Ack>(window, std::move(send), std::move(convert));
    return held_back<Ack>(window, name, std::move(send), std::move(convert));
  }

  /// An answer that is known already.
  static response ready(expected<T> x) {
    response out;
    out.slot_->result = std::move(x);
    return out;
  }

  response(response&&) noexcept = default;
  response& operator=(response&& x) noexcept {
    if (this != &x) {
      leave();
      slot_ = std::move(x.slot_);
    }
    return *this;
  }
  ~response() { leave(); }

  bool await_ready() const noexcept { return slot_->result.has_value(); }
  void await_suspend(std::coroutine_handle<> h) {
    latch_ = {0, h};
    latch_.add(*slot_);
    if (slot_->held != nullptr)
      slot_->window->await(*slot_->held);
  }
  T await_resume() { return value_or_throw(take()); }

  /// The result, once there is one; for awaiters.
  expected<T> take() { return std::move(*slot_->result); }
  /// What the answer will tell; for awaiters.
  request_slot& asked() { return *slot_; }

private:
  struct slot : request_slot {
    std::optional<expected<T>> result;

    void set(expected<T> x) {
      result = std::move(x);
      close();
      if (auto* told = std::exchange(latch, nullptr))
        told->count_down();
    }
  };

  template <class Ack, class Send, class Convert>
  class held final : public held_request {
  public:
    held(send_window& window, std::string name, slot& to, Send send,
         Convert convert)
        : held_request{window, std::move(name)}, to_{to},
          send_{std::move(send)}, convert_{std::move(convert)} {}

    void go() override {
      const auto self = std::move(to_.held);
      begin();
      hear<Ack>(local_ptr<slot>{&to_}, std::move(send_), std::move(convert_));
    }

  private:
    slot& to_; ///< has this object
    Send send_;
    Convert convert_;
  };

  response() : slot_{new slot} {}

  // `to` by value: what captures a const reference holds a constant, which is
  // copied wherever it is moved.
  template <class Ack, class Send, class Convert>
  static void hear(local_ptr<slot> to, Send send, Convert convert) {
    auto on_ack = [to, convert](Ack& x) { to->set(convert(std::move(x))); };
    auto on_error = [to = std::move(to)](caf::error& e) {
      to->set(tl::unexpected<failure>{from_error(e)});
    };
    send(std::move(on_ack), std::move(on_error));
  }

  void leave() noexcept {
    if (!slot_)
      return;
    slot_->latch = nullptr;
    slot_->group = nullptr;
    if (const auto unsent = std::move(slot_->held))
      unsent->drop();
  }

  local_ptr<slot> slot_;
  response_latch latch_;
};

/// Awaits a task or a response without throwing: gives `expected<T>`.
template <class Awaitable>
auto as_expected(Awaitable x) {
  struct awaiter {
    Awaitable inner;
    bool await_ready() const noexcept { return inner.await_ready(); }
    void await_suspend(std::coroutine_handle<> h) { inner.await_suspend(h); }
    expected<typename Awaitable::value_type> await_resume() {
      return inner.take();
    }
  };
  return awaiter{std::move(x)};
}

/// Awaits all answers; gives their values in the order of the requests, or
/// fails with the first failure in that order, but only when all have come.
///
/// Of requests that are held back, one for each receiver goes at once if none
/// of these is on its way to it, and the others one by one, as answers come.
template <class T>
class [[nodiscard]] all_responses {
public:
  using value_type = std::vector<T>;

  explicit all_responses(std::vector<response<T>> xs) : xs_{std::move(xs)} {}

  bool await_ready() const noexcept {
    for (const auto& x : xs_)
      if (!x.await_ready())
        return false;
    return true;
  }
  void await_suspend(std::coroutine_handle<> h) {
    latch_ = {0, h};
    bool held = false;
    for (auto& x : xs_)
      if (!x.await_ready()) {
        latch_.add(x.asked());
        held = held || x.asked().held != nullptr;
      }
    if (held)
      begin_held();
  }
  std::vector<T> await_resume() { return value_or_throw(take()); }

  expected<std::vector<T>> take() {
    std::vector<T> out;
    out.reserve(xs_.size());
    for (auto& x : xs_) {
      auto one = x.take();
      if (!one)
        return tl::unexpected<failure>{std::move(one.error())};
      out.push_back(std::move(*one));
    }
    return out;
  }

private:
  void begin_held() {
    std::vector<request_slot*> awaited;
    awaited.reserve(xs_.size());
    for (auto& x : xs_)
      awaited.push_back(&x.asked());
    groups_.await(awaited);
  }

  std::vector<response<T>> xs_;
  held_groups groups_;
  response_latch latch_;
};

/// Awaits all of `xs`, of which as many are on their way at a time as their
/// windows let through: see all_responses. Beyond its window a receiver must
/// not put one of them off until it has got the others.
template <class T>
all_responses<T> when_all(std::vector<response<T>> xs) {
  return all_responses<T>{std::move(xs)};
}

} // namespace posse
