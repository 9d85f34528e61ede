#include "runtime/checkpoint/prediction_file.hpp"
#include "runtime/checkpoint/read_log.hpp"
#include "runtime/checkpoint/result_file.hpp"
#include "test/runtime/checkpoint/class_predictions.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::ordered_json;

namespace {

std::string refused_predictions(const std::string& text) {
  test::temporary_directory folder;
  test::write_text(folder / "p.csv", text);
  auto read = read_predictions(folder / "p.csv");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::invalid_data);
  CHECK_THAT(read.error().message, ContainsSubstring("p.csv:"));
  return read.error().message;
}

std::string refused_result(const json& x) {
  test::temporary_directory folder;
  REQUIRE(write_result(folder / "r.json", x));
  auto read = read_result(folder / "r.json");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::invalid_data);
  return read.error().message;
}

const json good_result{{"schema", 1},
                       {"data", json::object()},
                       {"metrics", {{"test", json::object()}}},
                       {"members", json::array()},
                       {"timing", json::object()}};

} // namespace

TEST_CASE("regression predictions read back as they were written",
          "[runtime][prediction_file]") {
  test::temporary_directory folder;
  regression_predictions x;
  x.row = {3, 1000000};
  x.target = {1.5, -2};
  x.mean = {0.1, 0.30000000000000004};
  x.std = {1, 2};
  x.epistemic_std = {0, 5e-324};
  REQUIRE(write_predictions(folder / "p.csv", x));
  auto read = read_predictions(folder / "p.csv");
  REQUIRE(read);
  const auto& back = std::get<regression_predictions>(*read);
  CHECK(back.row == x.row);
  CHECK(back.target == x.target);
  CHECK(back.mean == x.mean);
  CHECK(back.epistemic_std == x.epistemic_std);
  CHECK(back.aleatoric_std.empty());
  CHECK(back.q05.empty());
}

TEST_CASE("classification predictions read back as they were written",
          "[runtime][prediction_file]") {
  test::temporary_directory folder;
  const auto x = test::class_predictions();
  REQUIRE(write_predictions(folder / "p.csv", x));
  auto read = read_predictions(folder / "p.csv");
  REQUIRE(read);
  const auto& back = std::get<classification_predictions>(*read);
  CHECK(back.target == x.target);
  CHECK(back.predicted == x.predicted);
  CHECK(back.entropy == x.entropy);
  CHECK(back.classes == 3);
  CHECK(back.probabilities == x.probabilities);
}

TEST_CASE("a table that holds no predictions is refused by name",
          "[runtime][prediction_file]") {
  CHECK_THAT(refused_predictions("a,b\n1,2\n"),
             ContainsSubstring("expected a column \"row\""));
  CHECK_THAT(refused_predictions("row,mean,std\n0,1,2\n"),
             ContainsSubstring("expected a column \"epistemic_std\""));
  CHECK_THAT(refused_predictions("row,mean,std,epistemic_std\n0,1,-2,0\n"),
             ContainsSubstring("column \"std\": expected no negative number, "
                               "got -2 in line 2"));
  CHECK_THAT(refused_predictions("row,mean,std,epistemic_std\n0.5,1,2,0\n"),
             ContainsSubstring("column \"row\": expected an integer"));
  CHECK_THAT(refused_predictions("row,mean,std,epistemic_std\n0,1,nan,0\n"),
             ContainsSubstring(":2:"));
  CHECK_THAT(refused_predictions("row,mean,std,epistemic_std,q05\n0,1,2,0,0\n"),
             ContainsSubstring("\"q50\""));
  const std::string classes =
      "row,target,predicted,entropy,mutual_information,p0,p1\n";
  CHECK_THAT(
      refused_predictions(classes + "0,2,1,0,0,0,1\n"),
      ContainsSubstring("column \"target\": expected an integer below 2, "
                        "got 2 in line 2"));
  CHECK_THAT(refused_predictions(classes + "0,1,1\n"),
             ContainsSubstring(":2:"));
}

TEST_CASE("a result reads back as it was written", "[runtime][result_file]") {
  test::temporary_directory folder;
  REQUIRE(write_result(folder / "r.json", good_result));
  auto read = read_result(folder / "r.json");
  REQUIRE(read);
  CHECK(*read == good_result);
}

TEST_CASE("what is no result is refused by what it lacks",
          "[runtime][result_file]") {
  auto changed = [](const char* key, const json& x) {
    auto out = good_result;
    out[key] = x;
    return out;
  };
  CHECK_THAT(refused_result(json::array()),
             ContainsSubstring("r.json: expected the JSON object"));
  CHECK_THAT(refused_result(changed("schema", 2)),
             ContainsSubstring("expected \"schema\": 1"));
  for (const auto* key : {"data", "metrics", "timing", "members"})
    CHECK_THAT(refused_result(changed(key, 1)), ContainsSubstring(key));
  CHECK_THAT(refused_result(changed("metrics", json::object())),
             ContainsSubstring("\"test\""));
  test::temporary_directory folder;
  test::write_text(folder / "r.json", "{\"schema\": 1");
  CHECK_FALSE(read_result(folder / "r.json"));
  CHECK_FALSE(read_result(folder / "none.json"));
}

TEST_CASE("a log is read without the lines that were cut",
          "[runtime][run_log]") {
  test::temporary_directory folder;
  test::write_text(folder / "log.jsonl",
                   "{\"level\":\"info\",\"event\":\"start\",\"n\":1}\n"
                   "{\"level\":\"warning\",\"eve\n"
                   "[1]\n{\"level\":1,\"event\":\"x\"}\n\n"
                   "{\"level\":\"warning\",\"event\":\"collapsed\"}\n"
                   "{\"level\":\"info\"");
  const auto events = read_log(folder / "log.jsonl");
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK((*events)[0].event == "start");
  CHECK((*events)[0].fields["n"] == 1);
  CHECK((*events)[1].level == "warning");
  CHECK_FALSE(read_log(folder / "none.jsonl"));
}
