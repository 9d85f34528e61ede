#include "runtime/checkpoint/prediction_file.hpp"
#include "runtime/checkpoint/result_file.hpp"
#include "test/runtime/checkpoint/class_predictions.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

} // namespace

TEST_CASE("regression predictions have one line a row",
          "[runtime][prediction_file]") {
  test::temporary_directory folder;
  regression_predictions x;
  x.row = {3, 1000000};
  x.target = {1.5, -2};
  x.mean = {0.1, 0.30000000000000004};
  x.std = {1, 2};
  x.aleatoric_std = {not_a_number, -not_a_number};
  x.epistemic_std = {infinity, -infinity};
  x.q05 = {-0.0, 5e-324};
  x.q50 = {1e22, 1};
  x.q95 = {2, 3};
  REQUIRE(write_predictions(folder / "p.csv", x));
  CHECK(test::read_text(folder / "p.csv")
        == "row,target,mean,std,aleatoric_std,epistemic_std,q05,q50,q95\n"
           "3,1.5,0.1,1,nan,inf,-0,1e+22,2\n"
           "1000000,-2,0.30000000000000004,2,nan,-inf,5e-324,1,3\n");
  x.target.clear();
  REQUIRE(write_predictions(folder / "p.csv", x));
  CHECK_THAT(test::read_text(folder / "p.csv"),
             ContainsSubstring("row,mean,std,")
                 && ContainsSubstring("\n3,0.1,"));
}

TEST_CASE("classification predictions have a column a class",
          "[runtime][prediction_file]") {
  test::temporary_directory folder;
  auto x = test::class_predictions();
  REQUIRE(write_predictions(folder / "p.csv", x));
  CHECK(test::read_text(folder / "p.csv")
        == "row,target,predicted,entropy,mutual_information,p0,p1,p2\n"
           "0,2,2,0.5,0.125,0.25,0.25,0.5\n"
           "1,0,1,0.25,0,0,1,0\n");
  x.target.clear();
  REQUIRE(write_predictions(folder / "p.csv", x));
  CHECK_THAT(test::read_text(folder / "p.csv"),
             ContainsSubstring("row,predicted,"));
}

TEST_CASE("no rows give a header alone", "[runtime][prediction_file]") {
  test::temporary_directory folder;
  REQUIRE(write_predictions(folder / "p.csv", regression_predictions{}));
  CHECK(test::read_text(folder / "p.csv")
        == "row,mean,std,aleatoric_std,epistemic_std,q05,q50,q95\n");
}

TEST_CASE("columns of unlike lengths are refused by name",
          "[runtime][prediction_file]") {
  test::temporary_directory folder;
  classification_predictions x;
  x.row = {0};
  x.predicted = {0};
  x.entropy = {0};
  x.mutual_information = {0};
  x.classes = 2;
  x.probabilities = {1};
  auto refused = write_predictions(folder / "p.csv", x);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("column p0: expected 2 values, got 1"));
  x.classes = 0;
  CHECK_FALSE(write_predictions(folder / "p.csv", x));
  CHECK_FALSE(std::filesystem::exists(folder / "p.csv"));
}

TEST_CASE("a result keeps its keys' order and writes null for no number",
          "[runtime][result_file]") {
  test::temporary_directory folder;
  REQUIRE(write_result(folder / "r.json", {{"schema", 1},
                                           {"name", "b\xff"},
                                           {"algorithm", not_a_number},
                                           {"loss", -infinity},
                                           {"rmse", 0.1}}));
  CHECK(test::read_text(folder / "r.json")
        == "{\n  \"schema\": 1,\n  \"name\": \"b\xEF\xBF\xBD\",\n"
           "  \"algorithm\": null,\n  \"loss\": null,\n  \"rmse\": 0.1\n}\n");
}
