#include "runtime/checkpoint/learning_file.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <fstream>
#include <limits>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<learning_point> curve(std::int64_t steps, std::int64_t validate) {
  loss_average average;
  std::vector<learning_point> out;
  for (std::int64_t step = 1; step <= steps; ++step) {
    std::optional<double> validation;
    if (validate > 0 && step % validate == 0)
      validation = -static_cast<double>(step);
    if (auto x =
            average.add(step, steps, static_cast<double>(step), validation))
      out.push_back(*x);
  }
  return out;
}

std::string refusal(const std::string& text) {
  test::temporary_directory folder;
  std::ofstream{folder / "l.csv"} << text;
  auto read = read_learning(folder / "l.csv");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::invalid_data);
  return read.error().message;
}

} // namespace

TEST_CASE("a learning curve averages the losses of each stretch",
          "[runtime][learning]") {
  // 250 steps: stretches of 3, and a last one of 1.
  const auto points = curve(250, 0);
  REQUIRE(points.size() == 84);
  CHECK(points.front() == learning_point{3, 2.0, std::nullopt});
  CHECK(points[82] == learning_point{249, 248.0, std::nullopt});
  CHECK(points.back() == learning_point{250, 250.0, std::nullopt});
}

TEST_CASE("a learning curve has a point where validation was measured",
          "[runtime][learning]") {
  const auto points = curve(1000, 25); // stretches of 10
  CHECK(points[1] == learning_point{20, 15.5, std::nullopt});
  CHECK(points[2] == learning_point{25, 23.0, -25.0});
  CHECK(points[3] == learning_point{30, 28.0, std::nullopt});
}

TEST_CASE("a learning curve stays small however often validation is measured",
          "[runtime][learning]") {
  for (const std::int64_t steps : {1, 2, 99, 100, 101, 12345, 100000}) {
    INFO(steps);
    const auto points = curve(steps, 1);
    CHECK(points.size() <= 2 * learning_stretches);
    CHECK(points.back().step == steps);
  }
}

TEST_CASE("learning curves read back as they were written",
          "[runtime][learning]") {
  test::temporary_directory folder;
  const learning_curves curves{
      {{0}, {{1, 0.30000000000000004, std::nullopt}, {2, -1e-300, 5e-324}}},
      {{7}, {{3, 1, std::numeric_limits<double>::infinity()}}}};
  REQUIRE(write_learning(folder / "l.csv", curves));
  CHECK(test::read_text(folder / "l.csv")
        == "particle,step,loss,validation\n"
           "0,1,0.30000000000000004,\n0,2,-1e-300,5e-324\n7,3,1,inf\n");
  const auto read = read_learning(folder / "l.csv");
  REQUIRE(read);
  CHECK((*read == curves));
}

TEST_CASE("a file that holds no learning curves is refused by line",
          "[runtime][learning]") {
  const std::string good = "particle,step,loss,validation\n";
  CHECK_THAT(refusal(""), ContainsSubstring("l.csv:1: expected the line"));
  CHECK_THAT(refusal("step,loss\n"), ContainsSubstring(":1: expected"));
  for (const std::string line :
       {"0,2,x,", "0,0,1,", "-1,2,1,", "0,2,1,,", "0,2", "\n"}) {
    INFO(line);
    CHECK_THAT(refusal(good + "0,1,1,\n" + line),
               ContainsSubstring("l.csv:3: expected"));
  }
  CHECK_THAT(refusal(good + "0,2,1,\n0,2,1,\n"),
             ContainsSubstring(":3: expected"));
}

TEST_CASE("a resumed run goes on from its checkpoint's steps",
          "[runtime][learning]") {
  const learning_curves earlier{{{0}, {{1, 1, {}}, {2, 2, {}}, {3, 3, {}}}},
                                {{1}, {{1, 1, {}}}}};
  const learning_curves later{{{0}, {{3, 30, {}}}}};
  const auto all = join_learning(earlier, {{{0}, 2}}, later);
  // LibTorch's way to print a vector would want to print its points.
  const std::vector<learning_point> joined{{1, 1, {}}, {2, 2, {}}, {3, 30, {}}};
  CHECK((all.at({0}) == joined));
  CHECK(all.at({1}).empty());
}
