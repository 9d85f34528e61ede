#include "runtime/trace/chrome_trace.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

using namespace posse;
using namespace posse::test;
using nlohmann::json;

namespace {

trace_log log_of(std::vector<std::string> rows, std::int64_t started) {
  trace_log out;
  out.rows = std::move(rows);
  out.names = {"step", "load {}", "update_group"};
  out.started = started;
  return out;
}

json written(const run_trace& trace) {
  const temporary_directory folder;
  const auto path = folder / "trace.json";
  REQUIRE(write_chrome_trace(path, trace));
  return json::parse(read_text(path));
}

/// The events of a kind: "X" or "M".
std::vector<json> events_of(const json& trace, const std::string& kind) {
  std::vector<json> out;
  for (const auto& x : trace["traceEvents"])
    if (x["ph"] == kind)
      out.push_back(x);
  return out;
}

/// Of the metadata `what`, the argument `key` by process and thread.
json described(const json& trace, const std::string& what, const char* key) {
  auto out = json::array();
  for (const auto& x : events_of(trace, "M"))
    if (x["name"] == what)
      out.push_back({x["pid"], x["tid"], x["args"][key]});
  return out;
}

} // namespace

TEST_CASE("a trace has a process a node and a thread a row",
          "[runtime][trace]") {
  const run_trace trace{
      "energy",
      {{"a", "cpu:0", log_of({"cpu:0 lane 0", "cpu:0 lane 1"}, 5)},
       {"a", "sim:0", log_of({"sim:0 lane 0", "sim:0 copies"}, 5)},
       {"b", "cpu:0", log_of({"cpu:0 lane 0"}, 5)}},
      {}};
  const auto out = written(trace);
  CHECK(described(out, "process_name", "name")
        == json{{1, 0, "node a"}, {2, 0, "node b"}});
  CHECK(described(out, "process_sort_index", "sort_index")
        == json{{1, 0, 1}, {2, 0, 2}});
  CHECK(described(out, "thread_name", "name")
        == json{{1, 1, "cpu:0 lane 0"},
                {1, 2, "cpu:0 lane 1"},
                {1, 3, "sim:0 lane 0"},
                {1, 4, "sim:0 copies"},
                {2, 1, "cpu:0 lane 0"}});
  CHECK(described(out, "thread_sort_index", "sort_index")
        == json{{1, 1, 1}, {1, 2, 2}, {1, 3, 3}, {1, 4, 4}, {2, 1, 1}});
  CHECK(out["otherData"]["run"] == "energy");
  CHECK(out["otherData"]["dropped_events"] == json::object());
  CHECK(out["otherData"]["missing_devices"] == json::array());
}

TEST_CASE("an event says what ran on whom, when and for how long",
          "[runtime][trace]") {
  auto log = log_of({"sim:0 lane 0", "sim:0 copies"}, 5);
  // Longer than a double of microseconds tells to the nanosecond.
  constexpr std::int64_t late = 9'007'199'254'740'993;
  log.events = {
      {.row = 0, .pid = {3}, .particles = 1, .step = 7, .end = 1005},
      {.row = 1, .name = 1, .pid = {4}, .particles = 1, .begin = 2, .end = 2},
      {.row = 0,
       .name = 2,
       .pid = {3},
       .particles = 9,
       .begin = 1'000'000,
       .end = 2'000'010},
      {.row = 0, .name = 2, .begin = late, .end = late + 1},
  };
  const run_trace trace{"run", {{"local", "sim:0", log}}, {}};
  CHECK(trace.events() == 4);
  const auto out = events_of(written(trace), "X");
  CHECK(out
        == std::vector<json>{{{"ph", "X"},
                              {"name", "step"},
                              {"pid", 1},
                              {"tid", 1},
                              {"ts", 0.0},
                              {"dur", 1.005},
                              {"args", {{"particle", 3}, {"step", 7}}}},
                             {{"ph", "X"},
                              {"name", "load 4"},
                              {"pid", 1},
                              {"tid", 2},
                              {"ts", 0.002},
                              {"dur", 0.0},
                              {"args", {{"particle", 4}}}},
                             {{"ph", "X"},
                              {"name", "update_group"},
                              {"pid", 1},
                              {"tid", 1},
                              {"ts", 1000.0},
                              {"dur", 1000.01},
                              {"args", {{"particles", 9}}}},
                             {{"ph", "X"},
                              {"name", "update_group"},
                              {"pid", 1},
                              {"tid", 1},
                              {"ts", 9007199254740.993},
                              {"dur", 0.001},
                              {"args", json::object()}}});
}

TEST_CASE("nodes are set against each other by their wall clocks",
          "[runtime][trace]") {
  constexpr std::int64_t start = 1'700'000'000'000'000'000;
  auto early = log_of({"cpu:0 lane 0"}, start);
  auto late = log_of({"cpu:0 lane 0"}, start + 2'500'000);
  early.events = late.events = {{.particles = 1, .begin = 1000, .end = 2000}};
  const run_trace trace{
      "run", {{"b", "cpu:0", late}, {"a", "cpu:0", early}}, {}};
  const auto out = written(trace);
  const auto events = events_of(out, "X");
  REQUIRE(events.size() == 2);
  CHECK(events[0]["ts"] == 2501.0);
  CHECK(events[1]["ts"] == 1.0);
  CHECK(out["otherData"]["node_offset_us"] == json{{"a", 0.0}, {"b", 2500.0}});
}

TEST_CASE("a trace tells what is not in it", "[runtime][trace]") {
  auto log = log_of({"cpu:0 lane 0"}, 5);
  log.dropped = 12;
  const run_trace trace{"a \"name\" \xff",
                        {{"local", "cpu:0", log}, {"local", "cpu:1", log}},
                        {"b cpu:0: it was lost"}};
  CHECK(trace.dropped() == 24);
  const auto out = written(trace);
  const auto& other = out["otherData"];
  CHECK(other["dropped_events"]
        == json{{"local cpu:0", 12}, {"local cpu:1", 12}});
  CHECK(other["missing_devices"] == json{"b cpu:0: it was lost"});
  CHECK(other["run"] == "a \"name\" \xef\xbf\xbd");
  CHECK(written({"run", {}, {"a cpu:0: gone"}})["traceEvents"].empty());
}

TEST_CASE("a trace that cannot be written says so", "[runtime][trace]") {
  const temporary_directory folder;
  const auto done = write_chrome_trace(folder / "none" / "trace.json", {});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::io_error);
}
