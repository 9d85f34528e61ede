#include "runtime/checkpoint/run_log.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

using namespace posse;
using nlohmann::ordered_json;

namespace {

std::vector<ordered_json> lines_of(const std::filesystem::path& path) {
  std::vector<ordered_json> lines;
  std::istringstream text{test::read_text(path)};
  for (std::string line; std::getline(text, line);)
    lines.push_back(ordered_json::parse(line));
  return lines;
}

} // namespace

TEST_CASE("a log line has time, level and event, then its fields",
          "[runtime][run_log]") {
  test::temporary_directory folder;
  auto log = run_log::open(folder / "log.jsonl");
  REQUIRE(log);
  log->write(log_level::warning, "two\nlines",
             {{"pid", 3}, {"loss", 0.5}, {"level", "not this one"}});
  // Read while the log is open: nothing waits in a buffer.
  auto text = test::read_text(folder / "log.jsonl");
  REQUIRE(text.size() > 34);
  // The time's digits, behind {"time":", differ from call to call.
  std::replace_if(
      text.begin(), text.begin() + 34,
      [](unsigned char x) { return std::isdigit(x); }, '0');
  CHECK(text
        == R"({"time":"0000-00-00T00:00:00.000Z","level":"warning",)"
           R"("event":"two\nlines","pid":3,"loss":0.5})"
           "\n");
  CHECK_FALSE(log->first_failure());
}

TEST_CASE("a log is continued, behind a line that was cut",
          "[runtime][run_log]") {
  test::temporary_directory folder;
  for (auto event : {"first", "second"})
    run_log::open(folder / "log.jsonl")->write(log_level::info, event);
  auto before = test::read_text(folder / "log.jsonl");
  test::write_text(folder / "log.jsonl", before + "{\"time\":\"20");
  run_log::open(folder / "log.jsonl")->write(log_level::info, "third");
  auto after = test::read_text(folder / "log.jsonl");
  auto rest = after.substr(before.size());
  REQUIRE(rest.starts_with("{\"time\":\"20\n"));
  CHECK(ordered_json::parse(rest.substr(12))["event"] == "third");
}

TEST_CASE("lines of several threads are whole and in each thread's order",
          "[runtime][run_log]") {
  test::temporary_directory folder;
  auto log = run_log::open(folder / "log.jsonl");
  REQUIRE(log);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 200; ++i)
          log->write(log_level::debug, "step", {{"thread", t}, {"i", i}});
      });
  }
  std::map<int, int> next;
  for (const auto& line : lines_of(folder / "log.jsonl")) {
    CHECK(line["i"] == next[line["thread"]]++);
  }
  CHECK(next == std::map<int, int>{{0, 200}, {1, 200}, {2, 200}, {3, 200}});
}

TEST_CASE("a log on a full disk says so and does not throw",
          "[runtime][run_log]") {
  auto log = run_log::open("/dev/full");
  REQUIRE(log);
  log->write(log_level::error, "lost");
  CHECK(log->first_failure()
        == failure{errc::io_error,
                   "/dev/full: cannot write: No space left on device"});
  CHECK_FALSE(run_log::open("/dev/full/no"));
}
