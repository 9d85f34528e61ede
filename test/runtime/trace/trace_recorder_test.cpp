#include "runtime/trace/trace_recorder.hpp"
#include "runtime/trace/whole_trace.hpp"
#include "test/support/catch.hpp"

#include <thread>

using namespace posse;

namespace {

/// A clock that says what it is told.
trace_clock clock_at(std::int64_t& now) {
  return {[&now] { return now; }, 1'700'000'000'000'000'000};
}

trace_event event_of(std::uint32_t pid) {
  return {.row = 1, .pid = {pid}, .particles = 1, .begin = pid, .end = pid + 1};
}

} // namespace

TEST_CASE("a recorder gives back what it was told", "[runtime][trace]") {
  std::int64_t now = 5;
  trace_recorder recorder{clock_at(now), {"cpu:0 lane 0", "cpu:0 lane 1"}};
  CHECK(recorder.now() == 5);
  const auto begin = recorder.now();
  now = 9;
  recorder.add("step", {.row = 1,
                        .pid = {7},
                        .particles = 1,
                        .step = 3,
                        .begin = begin,
                        .end = recorder.now()});
  recorder.add("validate", event_of(8));
  recorder.add("step", event_of(9));

  const auto log = recorder.read(0, 100);
  CHECK(log.rows == std::vector<std::string>{"cpu:0 lane 0", "cpu:0 lane 1"});
  CHECK(log.names == std::vector<std::string>{"step", "validate"});
  CHECK(log.started == 1'700'000'000'000'000'000);
  CHECK(log.total == 3);
  CHECK(log.dropped == 0);
  REQUIRE(log.events.size() == 3);
  const auto& first = log.events.front();
  CHECK(first.row == 1);
  CHECK(first.pid == particle_id{7});
  CHECK(first.step == 3);
  CHECK(first.begin == 5);
  CHECK(first.end == 9);
  CHECK(log.events[1].name == 1);
  CHECK(log.events[2].name == 0);
}

TEST_CASE("a recorder that is full counts what comes later",
          "[runtime][trace]") {
  std::int64_t now = 0;
  trace_recorder recorder{clock_at(now), {"row"}, 2};
  for (std::uint32_t i = 0; i < 5; ++i)
    recorder.add("step", event_of(i));
  const auto log = recorder.read(0, 100);
  CHECK(log.total == 2);
  CHECK(log.dropped == 3);
  REQUIRE(log.events.size() == 2);
  CHECK(log.events[1].pid == particle_id{1});
}

TEST_CASE("a trace that is read in parts is whole", "[runtime][trace]") {
  std::int64_t now = 0;
  trace_recorder recorder{clock_at(now), {"row"}};
  for (std::uint32_t i = 0; i < 10; ++i)
    recorder.add(i < 9 ? "step" : "finish", event_of(i));
  std::vector<std::uint64_t> asked;
  const auto all = whole_trace([&](std::uint64_t first) -> expected<trace_log> {
    asked.push_back(first);
    return recorder.read(first, 4);
  });
  REQUIRE(all);
  CHECK(asked == std::vector<std::uint64_t>{0, 4, 8});
  REQUIRE(all->events.size() == 10);
  for (std::uint32_t i = 0; i < 10; ++i)
    CHECK(all->events[i].pid == particle_id{i});
  CHECK(all->names == std::vector<std::string>{"step", "finish"});
  CHECK(recorder.read(10, 4).events.empty());
  CHECK(recorder.read(99, 4).events.empty());
}

TEST_CASE("a trace fails with the part that fails", "[runtime][trace]") {
  const auto lost = whole_trace([](std::uint64_t first) -> expected<trace_log> {
    if (first > 0)
      return fail(errc::node_lost, "it is gone");
    trace_log part;
    part.events.resize(1);
    part.total = 2;
    return part;
  });
  REQUIRE_FALSE(lost);
  CHECK(lost.error().message == "it is gone");
  // A peer that says there are more, and has none, keeps nobody waiting.
  const auto empty = whole_trace([](std::uint64_t) -> expected<trace_log> {
    trace_log part;
    part.total = 2;
    return part;
  });
  REQUIRE(empty);
  CHECK(empty->events.empty());
}

TEST_CASE("lanes record at once and lose nothing", "[runtime][trace]") {
  constexpr std::uint32_t lanes = 4;
  constexpr std::uint32_t each = 2000;
  trace_recorder recorder{trace_clock::start(), {"a", "b", "c", "d"}, 6000};
  std::vector<std::jthread> threads;
  for (std::uint32_t lane = 0; lane < lanes; ++lane)
    threads.emplace_back([&recorder, lane] {
      for (std::uint32_t i = 0; i < each; ++i) {
        const auto begin = recorder.now();
        recorder.add(lane % 2 == 0 ? "even" : "odd", {.row = lane,
                                                      .pid = {lane},
                                                      .begin = begin,
                                                      .end = recorder.now()});
      }
    });
  threads.clear(); // joins
  const auto log = recorder.read(0, 10'000);
  CHECK(log.events.size() == 6000);
  CHECK(log.dropped == lanes * each - 6000);
  bool whole = true;
  std::vector<std::int64_t> last(lanes, 0);
  for (const auto& x : log.events) {
    whole = whole && x.row < lanes && x.pid.number == x.row
            && log.names[x.name] == (x.row % 2 == 0 ? "even" : "odd")
            && last[x.row] <= x.begin && x.begin <= x.end;
    last[x.row] = x.end;
  }
  CHECK(whole);
}
