#include "apps/posse/report/classification_figures.hpp"
#include "apps/posse/report/learning_figures.hpp"
#include "apps/posse/report/page.hpp"
#include "apps/posse/report/quantile_of.hpp"
#include "apps/posse/report/regression_figures.hpp"
#include "apps/posse/report/summary.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;
using namespace posse::report;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::ordered_json;

namespace {

/// Standard normal predictions of targets 0, 1, 2, ... tenths.
regression_predictions normal_rows(std::size_t rows) {
  regression_predictions out;
  for (std::size_t i = 0; i < rows; ++i) {
    out.row.push_back(static_cast<std::int64_t>(i));
    out.target.push_back(0.1 * static_cast<double>(i));
    out.mean.push_back(0);
    out.std.push_back(1);
    out.aleatoric_std.push_back(0.8);
    out.epistemic_std.push_back(0.6);
    out.q05.push_back(-1.6448536);
    out.q50.push_back(0);
    out.q95.push_back(1.6448536);
  }
  return out;
}

classification_predictions two_classes(std::size_t rows) {
  classification_predictions out;
  out.classes = 2;
  for (std::size_t i = 0; i < rows; ++i) {
    out.row.push_back(static_cast<std::int64_t>(i));
    out.target.push_back(static_cast<std::int64_t>(i % 2));
    out.predicted.push_back(0);
    out.entropy.push_back(0.1 * static_cast<double>(i % 7));
    out.mutual_information.push_back(0.01 * static_cast<double>(i % 5));
    out.probabilities.insert(out.probabilities.end(), {0.75, 0.25});
  }
  return out;
}

json result_of(const json& ensemble, const std::vector<json>& members) {
  json out{{"schema", 1},
           {"version", "1"},
           {"name", "r"},
           {"data", {{"train_rows", 10}, {"test_rows", 0}}},
           {"metrics", {{"test", ensemble}}},
           {"members", json::array()},
           {"timing", json::object()}};
  for (std::size_t i = 0; i < members.size(); ++i)
    out["members"].push_back({{"pid", i}, {"metrics", members[i]}});
  return out;
}

run_record with_curves(std::size_t particles) {
  run_record out;
  out.learning.emplace();
  for (std::uint32_t pid = 0; pid < particles; ++pid)
    for (std::int64_t step = 1; step <= 20; ++step)
      (*out.learning)[{pid}].push_back(
          {step, 1.0 / static_cast<double>(step) - 0.1 * pid,
           step % 5 == 0 ? std::optional{0.5} : std::nullopt});
  return out;
}

bool is_left_out(const block& x) {
  return x.svg.empty() && x.text.starts_with("Left out: ");
}

} // namespace

TEST_CASE("a figure of coverage has the shares counted by hand",
          "[apps][report]") {
  // Targets 0, 0.1, ..., 1.9: seven up to 0.674, seventeen up to 1.645.
  const auto blocks = regression_figures(normal_rows(20));
  CHECK_THAT(blocks[0].svg,
             ContainsSubstring("Share of the 20 test targets")
                 && ContainsSubstring("50 %: 0.350; of 90 %: 0.850; in the "
                                      "mixture&#39;s own of 90 %: 0.850"));
}

TEST_CASE("figures of a regression are all there", "[apps][report]") {
  for (const std::size_t rows : {1, 2, 20, 500}) {
    INFO(rows);
    const auto blocks = regression_figures(normal_rows(rows));
    REQUIRE(blocks.size() == 4);
    for (const auto& each : blocks) {
      INFO(each.title);
      CHECK_THAT(each.svg, ContainsSubstring("</svg>"));
      CHECK_THAT(each.svg, !ContainsSubstring("nan"));
      CHECK(!each.text.empty());
    }
  }
}

TEST_CASE("of many rows some are drawn, and the figure says so",
          "[apps][report]") {
  const auto intervals = regression_figures(normal_rows(500))[1];
  CHECK_THAT(intervals.text, ContainsSubstring("Shown are 120 of 500 rows"));
  CHECK_THAT(regression_figures(normal_rows(120))[1].text,
             ContainsSubstring("All rows"));
}

TEST_CASE("the epistemic share of the variance is told by its median",
          "[apps][report]") {
  CHECK_THAT(regression_figures(normal_rows(3))[3].text,
             ContainsSubstring("less than 36.0 %"));
}

TEST_CASE("what a point head cannot know is left out with a reason",
          "[apps][report]") {
  auto x = normal_rows(10);
  x.aleatoric_std.clear();
  x.q05.clear();
  x.q50.clear();
  x.q95.clear();
  x.std = x.epistemic_std;
  const auto blocks = regression_figures(x);
  CHECK(is_left_out(blocks[0]));
  CHECK(!blocks[1].svg.empty());
  CHECK(!blocks[2].svg.empty());
  CHECK(is_left_out(blocks[3]));
  x.std.assign(10, 0);
  x.epistemic_std.assign(10, 0);
  CHECK(is_left_out(regression_figures(x)[2]));
}

TEST_CASE("one network has no epistemic part", "[apps][report]") {
  auto x = normal_rows(10);
  x.epistemic_std.assign(10, 0);
  CHECK(is_left_out(regression_figures(x)[3]));
  auto y = two_classes(10);
  y.mutual_information.assign(10, 0);
  const auto blocks = classification_figures(y);
  CHECK(is_left_out(blocks[3]));
  CHECK_THAT(blocks[1].svg, !ContainsSubstring("mutual information"));
}

TEST_CASE("figures of a classification are all there", "[apps][report]") {
  for (const std::size_t rows : {1, 2, 40}) {
    INFO(rows);
    auto x = two_classes(rows);
    x.mutual_information.front() = 0.02;
    const auto blocks = classification_figures(x);
    REQUIRE(blocks.size() == 4);
    for (const auto& each : blocks) {
      INFO(each.title);
      CHECK_THAT(each.svg, ContainsSubstring("</svg>"));
      CHECK_THAT(each.svg, !ContainsSubstring("nan"));
    }
  }
}

TEST_CASE("a reliability diagram tells the expected calibration error",
          "[apps][report]") {
  // Half of the rows are right, all are predicted with 0.75.
  CHECK_THAT(classification_figures(two_classes(40))[0].svg,
             ContainsSubstring("calibration error is 0.2500"));
}

TEST_CASE("learning curves are lines, and of many particles a spread",
          "[apps][report]") {
  const auto few = learning_figures(with_curves(3));
  REQUIRE(few.size() == 2);
  CHECK_THAT(few[0].svg, ContainsSubstring("one line a particle"));
  CHECK_THAT(few[1].svg, ContainsSubstring("its lowest point"));
  const auto many = learning_figures(with_curves(64));
  CHECK_THAT(many[0].svg, ContainsSubstring("median of the particles")
                              && ContainsSubstring("<polygon"));
}

TEST_CASE("learning curves may hold what is no number", "[apps][report]") {
  run_record run;
  run.learning.emplace();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  (*run.learning)[{0}] = {{1, infinity, {}}, {2, 0.5, infinity}};
  const auto blocks = learning_figures(run);
  REQUIRE(blocks.size() == 2);
  CHECK_THAT(blocks[0].svg, !ContainsSubstring("inf"));
  CHECK(is_left_out(blocks[1]));
}

TEST_CASE("a run without learning curves says why", "[apps][report]") {
  run_record run;
  CHECK(is_left_out(learning_figures(run).front()));
  run.learning.emplace();
  CHECK(is_left_out(learning_figures(run).front()));
}

TEST_CASE("metrics name the best member and the range of all",
          "[apps][report]") {
  const auto rows = metrics_of(result_of({{"rmse", 1.0},
                                          {"accuracy", 0.5},
                                          {"coverage_90", 0.9},
                                          {"sharpness_90", 2.0},
                                          {"own", nullptr}},
                                         {{{"rmse", 3.0},
                                           {"accuracy", 0.25},
                                           {"coverage_90", 0.99},
                                           {"sharpness_90", 1.0}},
                                          {{"rmse", 2.0},
                                           {"accuracy", 0.75},
                                           {"coverage_90", 0.85},
                                           {"sharpness_90", 2.0}}}));
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].name == "RMSE");
  CHECK(rows[0].ensemble == "1.0000");
  CHECK(rows[0].mean_member == "2.5000");
  CHECK(rows[0].best_member == "2.0000 (particle 1)");
  CHECK(rows[0].range == "2.0000 to 3.0000");
  CHECK(rows[1].best_member == "0.7500 (particle 1)");
  CHECK(rows[2].best_member == "0.8500 (particle 1)");
  CHECK(rows[3].best_member == ""); // narrow alone is not good
  CHECK(rows[4].name == "own");
  CHECK(rows[4].ensemble == "not finite");
}

TEST_CASE("one particle has no range", "[apps][report]") {
  const auto rows = metrics_of(result_of({{"rmse", 1.0}}, {{{"rmse", 1.0}}}));
  CHECK(rows[0].mean_member == "");
  CHECK(rows[0].range == "");
}

TEST_CASE("warnings say how a run ended and what it warned of",
          "[apps][report]") {
  run_record run;
  CHECK_THAT(warnings_of(run).at(0), ContainsSubstring("still going on"));
  run.events = {{"info", "start", json::object()},
                {"warning", "interrupted", {{"step", 7}}}};
  REQUIRE(warnings_of(run).size() == 1);
  CHECK_THAT(warnings_of(run)[0], ContainsSubstring("interrupted at step 7"));
  run.events.back() = {"error", "failed", {{"why", "particle 3: loss is NaN"}}};
  CHECK_THAT(warnings_of(run).at(0), ContainsSubstring("particle 3: loss"));
  run.result = result_of(json::object(), {});
  run.events = {{"info", "start", json::object()},
                {"warning", "collapsed", json::object()},
                {"warning", "odd", {{"level", "warning"}, {"n", 1}}}};
  const auto told = warnings_of(run);
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0], ContainsSubstring("collapsed"));
  CHECK(told[1] == "odd: {\"n\":1}");
  run.events.assign(30, {"warning", "odd", json::object()});
  CHECK(warnings_of(run).size() == 21);
  CHECK(warnings_of(run).back() == "… and 10 more in log.jsonl.");
}

TEST_CASE("a page escapes what files say and is the same each time",
          "[apps][report]") {
  const std::string evil = "<script>alert('&')</script>";
  const std::string safe =
      "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;";
  run_record run;
  run.result = result_of({{evil, 1.0}}, {});
  (*run.result)["name"] = evil;
  run.settings = {{"data.path", "/a/" + evil}, {evil, evil}};
  run.events = {{"warning", evil, json::object()}};
  run.predictions = normal_rows(10);
  const auto page = to_html(run);
  CHECK_THAT(page, !ContainsSubstring("<script") && ContainsSubstring(safe));
  CHECK(page == to_html(run));
}

TEST_CASE("quantiles of few numbers lie between them", "[apps][report]") {
  const std::vector<double> one{3}, three{1, 2, 4};
  CHECK(quantile_of(one, 0.95) == 3);
  CHECK(quantile_of(three, 0.5) == 2);
  CHECK(quantile_of(three, 0.75) == Approx(3));
  CHECK(quantile_of(three, 1) == 4);
}
