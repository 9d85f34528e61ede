#include "runtime/checkpoint/logged_lines.hpp"
#include "runtime/checkpoint/run_log.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <cmath>

using namespace posse;
using json = nlohmann::ordered_json;

TEST_CASE("a line that the log has already is not new", "[runtime][run_log]") {
  test::temporary_directory folder;
  // What a number that JSON has none for, 0.1 and text that is no UTF-8 are
  // written as has to be found again.
  const json first{{"step", 25}, {"loss", 0.1}};
  const json second{{"step", 50}, {"loss", std::nan("")}, {"of", "b\xff"}};
  const json third{{"step", 75}, {"loss", 1.0}};
  {
    auto log = run_log::open(folder / "log.jsonl");
    REQUIRE(log);
    log->write(log_level::info, "start");
    log->write(log_level::info, "diagnostics", first);
    log->write(log_level::info, "diagnostics", second);
    log->write(log_level::info, "checkpoint", third);
  }
  const auto events = read_log(folder / "log.jsonl");
  REQUIRE(events);
  logged_lines lines;
  CHECK(lines.latest().is_null());
  lines.recall(*events, "diagnostics");
  CHECK(lines.latest()["step"] == 50);
  CHECK_FALSE(lines.latest().contains("time"));
  CHECK_FALSE(lines.add(second));
  CHECK_FALSE(lines.add(first));
  CHECK(lines.add(third)); // another event has it
  CHECK_FALSE(lines.add(third));
  CHECK(lines.latest() == third);
  CHECK(lines.add(json{{"step", 75}, {"loss", 1.5}}));
}

TEST_CASE("a log without an event has no latest line", "[runtime][run_log]") {
  logged_lines lines;
  lines.recall(std::vector<logged_event>{}, "diagnostics");
  CHECK(lines.latest().is_null());
  CHECK(lines.add(json::object()));
  CHECK(lines.latest().is_object());
}
