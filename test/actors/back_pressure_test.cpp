#include "actors/behavior.hpp"
#include "actors/launch_window.hpp"
#include "actors/outbox.hpp"
#include "actors/particle.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <coroutine>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Handlers of one particle that wait for each other, and how many of its
/// messages are unanswered. One test's; only that particle's actor touches it.
struct meeting_point {
  std::vector<std::coroutine_handle<>> waiting;
  std::size_t unanswered{0};
  std::size_t most{0};
  std::vector<std::int64_t> arrived;

  /// Suspends until there are `size` of them.
  auto meet(std::size_t size) {
    struct awaiter {
      meeting_point& at;
      std::size_t size;
      bool await_ready() const { return at.waiting.size() + 1 == size; }
      void await_suspend(std::coroutine_handle<> h) { at.waiting.push_back(h); }
      void await_resume() {
        for (auto h : std::exchange(at.waiting, {}))
          h.resume();
      }
    };
    return awaiter{*this, size};
  }
};

meeting_point place;

// How many frames of handlers that count themselves are alive.
std::atomic<int> living_frames{0};
struct counted_frame {
  counted_frame() { ++living_frames; }
  counted_frame(const counted_frame&) = delete;
  ~counted_frame() { --living_frames; }
};

/// Sends `count` messages "msg" with 0, 1, ... to `to`, without waiting.
std::vector<response<value>> flood(particle& self, particle_id to,
                                   const std::string& msg, std::int64_t count) {
  std::vector<response<value>> out;
  for (std::int64_t i = 0; i < count; ++i)
    out.push_back(self.send(to, msg, i));
  return out;
}

const std::string arrive_message = "ARRIVE";
const std::string deep_message = "DEEP";
const std::string echo_message = "ECHO";
const std::string meet_message = "MEET";
const std::string more_message = "MORE";
const std::string never_message = "NEVER";

task<value> echo(particle&, value args) {
  co_return args;
}

// Answers when its device has.
task<value> arrive(particle& self, value args) {
  const auto number = value_or_throw(args.to<std::int64_t>("number"));
  place.arrived.push_back(number);
  place.most = std::max(place.most, ++place.unanswered);
  (void)co_await self.cursor();
  --place.unanswered;
  co_return number;
}

task<value> floods(particle& self, value args) {
  const auto count = value_or_throw(args.to<std::int64_t>("count"));
  auto answers = co_await when_all(flood(self, {1}, arrive_message, count));
  co_return value(std::move(answers));
}

// To the other particle and back, `left` times.
task<value> deep(particle& self, value args) {
  const auto left = value_or_throw(args.to<std::int64_t>("left"));
  if (left == 0)
    co_return std::int64_t{0};
  const auto next = self.other_particles().front();
  const auto below = co_await self.send(next, deep_message, left - 1);
  co_return value_or_throw(below.to<std::int64_t>("below")) + 1;
}

// Each message of the flood is answered when particle 0 has got some answers
// more from here.
task<value> asks_back(particle& self, value) {
  auto more = co_await self.send({0}, more_message);
  co_return more;
}

task<value> more(particle& self, value) {
  auto answers = co_await when_all(flood(self, {1}, echo_message, 3));
  co_return static_cast<std::int64_t>(answers.size());
}

task<value> floods_back(particle& self, value args) {
  const auto count = value_or_throw(args.to<std::int64_t>("count"));
  const std::string msg = "ASK_BACK";
  const auto answers = co_await when_all(flood(self, {1}, msg, count));
  std::int64_t sum = 0;
  for (const auto& x : answers)
    sum += value_or_throw(x.to<std::int64_t>("answer"));
  co_return sum;
}

// Every particle waits until all have heard, which they tell particle 0.
task<value> join(particle& self, value) {
  auto all = co_await self.send({0}, meet_message);
  co_return all;
}

task<value> meets(particle& self, value) {
  co_await place.meet(self.particle_ids().size() + most_unanswered);
  co_return value{};
}

// One message to each, while the window to particle 0 is full of what is not
// answered before all have joined.
task<value> gathers_all(particle& self, value) {
  auto before = flood(self, {0}, meet_message, most_unanswered);
  std::vector<response<value>> asked;
  for (auto pid : self.particle_ids())
    asked.push_back(self.send(pid, "JOIN"));
  auto answers = co_await when_all(std::move(asked));
  (void)co_await when_all(std::move(before));
  co_return static_cast<std::int64_t>(answers.size());
}

task<value> forgets(particle& self, value) {
  for (std::size_t i = 0; i < most_unanswered + 3; ++i)
    (void)self.send({1}, echo_message);
  co_return value{};
}

task<value> forgets_steps(particle& self, value) {
  for (std::size_t i = 0; i < most_unanswered + 1; ++i)
    (void)self.step(batch_ref{});
  co_return value{};
}

// Steps are done in order, also if the last one is awaited first.
task<value> steps(particle& self, value args) {
  const auto count = value_or_throw(args.to<std::int64_t>("count"));
  std::vector<response<step_ack>> asked;
  for (std::int64_t i = 0; i < count; ++i)
    asked.push_back(self.step(batch_ref{}));
  auto last = std::move(asked.back());
  asked.pop_back();
  value_list numbers;
  const auto done = co_await std::move(last);
  for (const auto& ack : co_await when_all(std::move(asked)))
    numbers.emplace_back(static_cast<std::int64_t>(ack.step));
  numbers.emplace_back(static_cast<std::int64_t>(done.step));
  co_return numbers;
}

task<value> never(particle&, value) {
  const counted_frame frame;
  co_await std::suspend_always{};
  co_return value{};
}

task<value> floods_never(particle& self, value) {
  const counted_frame frame;
  (void)co_await when_all(flood(self, {1}, never_message, 1000));
  co_return value{};
}

task<value> meets_window(particle& self, value) {
  place.most = std::max(place.most, ++place.unanswered);
  co_await place.meet(most_launched);
  (void)co_await self.cursor(); // the driver could launch more meanwhile
  --place.unanswered;
  co_return value{};
}

std::unique_ptr<push_distribution> start(std::int64_t particles) {
  static small_run data;
  if (!behaviors().find("flood"))
    REQUIRE(behaviors().add("flood", [] {
      behavior out;
      out.handlers = {{arrive_message, arrive},
                      {"ASK_BACK", asks_back},
                      {deep_message, deep},
                      {echo_message, echo},
                      {"FLOOD", floods},
                      {"FLOOD_BACK", floods_back},
                      {"FLOOD_NEVER", floods_never},
                      {"FORGET", forgets},
                      {"FORGET_STEPS", forgets_steps},
                      {"GATHER_ALL", gathers_all},
                      {"JOIN", join},
                      {meet_message, meets},
                      {"MEET_WINDOW", meets_window},
                      {more_message, more},
                      {never_message, never},
                      {"STEPS", steps}};
      return out;
    }()));
  auto config = data.config("deep_ensemble", particles, 5);
  config.infer.algorithm = "flood";
  auto pd = push_distribution::start(config);
  if (!pd)
    FAIL(pd.error().message);
  create_all(**pd);
  place = {};
  return std::move(*pd);
}

std::vector<std::int64_t> count_from(std::int64_t first, std::int64_t end) {
  std::vector<std::int64_t> out;
  for (auto i = first; i < end; ++i)
    out.push_back(i);
  return out;
}

std::vector<std::int64_t> integers(const expected<value>& x) {
  INFO((x ? std::string{} : x.error().message));
  REQUIRE(x);
  std::vector<std::int64_t> out;
  const auto numbers = x->to<value_list>("numbers");
  REQUIRE(numbers);
  for (const auto& each : *numbers)
    out.push_back(each.to<std::int64_t>("number").value());
  return out;
}

} // namespace

TEST_CASE("a flood leaves no more than a window at its receiver",
          "[actors][back_pressure]") {
  constexpr std::int64_t count = 10'000;
  auto pd = start(2);
  const auto answers = integers(pd->p_launch({0}, "FLOOD", count).wait());
  CHECK(answers == count_from(0, count));
  CHECK(place.arrived == answers);
  CHECK(place.most <= most_unanswered);
  CHECK(place.most > 1); // it is counted at all
}

TEST_CASE("a chain of requests deeper than the window ends",
          "[actors][back_pressure]") {
  constexpr std::int64_t depth = 20 * std::int64_t{most_unanswered};
  auto pd = start(2);
  CHECK(pd->p_launch({0}, deep_message, depth).wait() == value{depth});
}

TEST_CASE("a flood whose receiver asks its sender back ends",
          "[actors][back_pressure]") {
  constexpr std::int64_t count = 1000;
  auto pd = start(2);
  CHECK(pd->p_launch({0}, "FLOOD_BACK", count).wait() == value{3 * count});
}

TEST_CASE("a barrier of more particles than the window ends",
          "[actors][back_pressure]") {
  constexpr std::int64_t particles = 3 * std::int64_t{most_unanswered};
  auto pd = start(particles);
  CHECK(pd->p_launch({1}, "GATHER_ALL").wait() == value{particles});
}

TEST_CASE("a handler that drops what is held back fails and says so",
          "[actors][back_pressure]") {
  auto pd = start(2);
  const auto answer = pd->p_launch({0}, "FORGET").wait();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::overloaded);
  CHECK(
      answer.error().message
      == "particle 0 on cpu:0: FORGET: send \"ECHO\": particle 1 owes this "
         "particle 64 answers, the most are 64: co_await the response, it was "
         "dropped and the request not sent; nor were 2 more");
  // The particle lives on, and so does who was flooded.
  CHECK(pd->p_launch({0}, echo_message, 7).wait() == value{7});
  CHECK(pd->p_launch({1}, deep_message, 2).wait() == value{2});
  const auto device = pd->p_launch({0}, "FORGET_STEPS").wait();
  REQUIRE_FALSE(device);
  CHECK(device.error().code == errc::overloaded);
  CHECK_THAT(device.error().message,
             ContainsSubstring("FORGET_STEPS: step: its device owes"));
}

TEST_CASE("a flood of steps is done in its order", "[actors][back_pressure]") {
  constexpr std::int64_t count = 5 * std::int64_t{most_unanswered};
  auto pd = start(1);
  CHECK(integers(pd->p_launch({0}, "STEPS", count).wait())
        == count_from(1, count + 1));
}

TEST_CASE("a run may end while requests are held back",
          "[actors][back_pressure]") {
  auto pd = start(2);
  const auto open = pd->p_launch({0}, "FLOOD_NEVER");
  // Answered after the flood has begun, by who was flooded.
  REQUIRE(pd->p_launch({0}, deep_message, 1).wait());
  CHECK(living_frames == 1 + static_cast<int>(most_unanswered));
  pd.reset();
  CHECK(open.wait().error().code == errc::actor_down);
  CHECK(living_frames == 0);
}

TEST_CASE("a driver waits while a particle owes it too many answers",
          "[actors][back_pressure]") {
  auto pd = start(1);
  std::vector<pfuture> launched;
  for (std::size_t i = 0; i < 20 * most_launched; ++i) {
    launched.push_back(pd->p_launch({0}, "MEET_WINDOW"));
    if (i >= most_launched) {
      const auto open = std::ranges::count_if(
          launched, [](const pfuture& x) { return !x.ready(); });
      REQUIRE(open <= static_cast<std::ptrdiff_t>(most_launched));
    }
  }
  for (const auto& x : pd->p_wait(launched))
    CHECK(x);
  CHECK(place.most == most_launched);
}
