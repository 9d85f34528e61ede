#include "actors/response.hpp"
#include "actors/task.hpp"
#include "test/support/catch.hpp"

#include <functional>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int window_size{most_unanswered};
constexpr particle_id other{7};

/// What has arrived at a receiver that answers when it is told to.
struct receiver {
  std::vector<int> arrived;
  std::vector<std::function<void()>> answers;

  response<int> ask(send_window& window, int request) {
    auto send = [this, request](auto on_ack, auto) {
      arrived.push_back(request);
      answers.push_back([on_ack, request]() mutable {
        int answer = request;
        on_ack(answer);
      });
    };
    auto convert = [](int&& x) { return expected<int>{x}; };
    return window.is_open()
               ? response<int>::sent<int>(window, send, convert)
               : response<int>::held_back<int>(
                   window, "ask " + std::to_string(request), send, convert);
  }
  /// `count` of them, numbered from `first`.
  std::vector<response<int>> ask(send_window& window, int first, int count) {
    std::vector<response<int>> out;
    for (int i = 0; i < count; ++i)
      out.push_back(ask(window, first + i));
    return out;
  }
  /// Answers request `number`, counted as they arrived.
  void answer(std::size_t number) {
    const auto told = answers.at(number);
    told();
  }
};

task<int> await(response<int> x) {
  auto out = co_await std::move(x);
  co_return out;
}

task<std::vector<int>> await_all(std::vector<response<int>> xs) {
  auto out = co_await when_all(std::move(xs));
  co_return out;
}

std::vector<int> numbers(int count) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i)
    out.push_back(i);
  return out;
}

} // namespace

TEST_CASE("requests beyond the window go in order, one for each answer",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  auto asked = to.ask(from.to(other), 0, window_size + 10);
  CHECK(to.arrived == numbers(window_size));
  to.answer(3);
  to.answer(0);
  CHECK(to.arrived == numbers(window_size + 2));
  // Another receiver is another window.
  auto elsewhere = to.ask(from.to({8}), 1000);
  CHECK(to.arrived.back() == 1000);
}

TEST_CASE("a flood that is awaited fills its window and no more",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  constexpr int count = 1000;
  auto all = await_all(to.ask(from.to(other), 0, count));
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(to.arrived.size() == std::min(i + window_size, std::size_t{count}));
    CHECK_FALSE(all.await_ready());
    to.answer(i);
  }
  REQUIRE(all.await_ready());
  CHECK(all.take() == numbers(count));
  CHECK(from.to(other).is_idle());
}

TEST_CASE("a request that a handler waits for goes beyond the window",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  auto asked = to.ask(from.to(other), 0, window_size + 10);
  auto waiting = await(std::move(asked.back()));
  CHECK(to.arrived.back() == window_size + 9);
  CHECK(to.arrived.size() == window_size + 1);
  to.answer(window_size);
  REQUIRE(waiting.await_ready());
  CHECK(waiting.take() == window_size + 9);
  // It was beyond: its answer opens nothing.
  CHECK(to.arrived.size() == window_size + 1);
}

TEST_CASE("nothing goes beyond the window of a device, or out of order",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  auto asked = to.ask(from.to_device(), 0, window_size + 10);
  auto waiting = await(std::move(asked.back()));
  CHECK(to.arrived == numbers(window_size));
  for (std::size_t i = 0; !waiting.await_ready(); ++i)
    to.answer(i);
  CHECK(to.arrived == numbers(window_size + 10));
}

TEST_CASE("handlers that wait together have one request on its way each",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  // These are answered last: say, since they wait for those below.
  auto before = to.ask(from.to(other), 0, window_size);
  auto first = to.ask(from.to(other), 100, 3);
  first.push_back(to.ask(from.to({8}), 200));
  first.push_back(to.ask(from.to({8}), 201));
  CHECK(to.arrived.size() == window_size + 2);
  auto one = await_all(std::move(first));
  auto two = await_all(to.ask(from.to(other), 300, 2));
  const std::vector<int> beyond{to.arrived.begin() + window_size,
                                to.arrived.end()};
  CHECK(beyond == std::vector{200, 201, 100, 300});
  for (std::size_t i = window_size; i < to.arrived.size(); ++i)
    to.answer(i);
  REQUIRE(one.await_ready());
  REQUIRE(two.await_ready());
  CHECK(one.take() == std::vector{100, 101, 102, 200, 201});
  CHECK(two.take() == std::vector{300, 301});
  CHECK(from.to(other).unanswered() == window_size);
}

TEST_CASE("a request that is dropped unsent is told of once",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  const handler_scope running{&from, from.next_handler()};
  { auto sent = to.ask(from.to(other), 0, window_size); }
  CHECK_FALSE(from.take_dropped());
  { auto beyond = to.ask(from.to(other), 900, 3); }
  CHECK(to.arrived == numbers(window_size));
  const auto why = from.take_dropped();
  REQUIRE(why);
  CHECK(why->code == errc::overloaded);
  CHECK_THAT(why->message, ContainsSubstring("ask 900")
                               && ContainsSubstring("particle 7")
                               && ContainsSubstring("64 answers")
                               && ContainsSubstring("co_await")
                               && ContainsSubstring("2 more"));
  CHECK_FALSE(from.take_dropped());
  // An answer that comes later finds nobody, and the window open again.
  for (const auto& each : to.answers)
    each();
  CHECK(from.to(other).is_idle());
}

TEST_CASE("a dropped request is its own handler's failure, not another's",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  auto asked = to.ask(from.to(other), 0, window_size);
  const auto drops = [](send_window& window, receiver& at,
                        response<int> x) -> task<int> {
    (void)co_await std::move(x);
    { auto dropped = at.ask(window, 5000); }
    co_return 0;
  };
  std::optional<failure> why;
  {
    const handler_scope running{&from, 1};
    auto one = drops(from.to_device(), to, std::move(asked.front()));
    auto full = to.ask(from.to_device(), 1000, window_size);
    {
      const handler_scope another{&from, 2};
      to.answer(0);
      REQUIRE(one.await_ready());
      CHECK_FALSE(from.take_dropped());
    }
    why = from.take_dropped();
  }
  REQUIRE(why);
  CHECK_THAT(why->message, ContainsSubstring("its device"));
}

TEST_CASE("windows that count something stay where they are",
          "[actors][send_window]") {
  outbox from;
  receiver to;
  auto& counting = from.to(other);
  auto asked = to.ask(counting, 0);
  for (std::uint32_t i = 100; i < 10'000; ++i)
    CHECK(from.to({i}).is_open());
  CHECK(&from.to(other) == &counting);
  CHECK(counting.unanswered() == 1);
  to.answer(0);
  CHECK(counting.is_idle());
}
