#include "runtime/data/splits.hpp"
#include "test/runtime/data/temp_folder.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <numeric>

using namespace posse;
using rows = std::vector<std::uint32_t>;

namespace {

std::string refusal(std::string_view text, std::int64_t split,
                    std::size_t count) {
  temp_folder folder;
  auto result = read_split(folder.write("s.csv", text), split, count);
  if (result)
    return "it was read";
  CHECK(result.error().code == errc::invalid_data);
  return result.error().message.substr(folder.path().string().size() + 1);
}

} // namespace

TEST_CASE("a split's line gives the test rows in its order",
          "[runtime][data]") {
  temp_folder folder;
  auto path = folder.write("s.csv", "3,1\r\n 0 , 2 ,4\r\n");
  CHECK(read_split(path, 0, 5) == rows{3, 1});
  CHECK(read_split(path, 1, 5) == rows{0, 2, 4});
}

TEST_CASE("a wrong split file is refused by line", "[runtime][data]") {
  CHECK(refusal("0,1\n2\n", 2, 5)
        == "s.csv: expected split 2 (from 0), got a file of 2 splits");
  CHECK(refusal("", 0, 5)
        == "s.csv: expected split 0 (from 0), got a file of 0 splits");
  CHECK(refusal("0\n1,5\n", 1, 5)
        == "s.csv:2: expected row numbers from 0 to 4, got \"5\"");
  CHECK(refusal("99999999999999999999999\n", 0, 5)
        == "s.csv:1: expected row numbers from 0 to 4, got "
           "\"99999999999999999999999\"");
  CHECK(refusal("1,3,1\n", 0, 5)
        == "s.csv:1: expected each row once, got row 1 twice");
  for (const auto* text : {"1,x\n", "1,2.0\n", "1,-2\n", "1,,2\n", "1,\n"})
    CHECK(refusal(text, 0, 5)
              .starts_with("s.csv:1: expected a row number (0, 1, ...), got "));
  CHECK(refusal("0,1,2\n", 0, 3)
        == "s.csv:1: expected rows left to train on, got all 3 as test rows");
}

TEST_CASE("a drawn split has the wanted size and depends on its key",
          "[runtime][data]") {
  auto split = draw_split(200, 0.1, 1, 0);
  CHECK(split.size() == 20);
  CHECK(std::is_sorted(split.begin(), split.end()));
  CHECK(std::adjacent_find(split.begin(), split.end()) == split.end());
  CHECK(split.back() < 200);
  CHECK(split == draw_split(200, 0.1, 1, 0));
  CHECK(split != draw_split(200, 0.1, 2, 0));
  CHECK(split != draw_split(200, 0.1, 1, 1));
}

TEST_CASE("a drawn split leaves rows on both sides", "[runtime][data]") {
  CHECK(draw_split(2, 0.001, 1, 0).size() == 1);
  CHECK(draw_split(2, 0.999, 1, 0).size() == 1);
}

TEST_CASE("validation rows are taken out of the training rows",
          "[runtime][data]") {
  rows training{9, 4, 7, 1, 3, 8, 0, 2, 6, 5};
  auto left = training;
  auto taken = take_validation_rows(left, 0.3, 5);
  CHECK(taken.size() == 3);
  CHECK(left.size() == 7);
  rows both = left;
  both.insert(both.end(), taken.begin(), taken.end());
  std::sort(both.begin(), both.end());
  CHECK(both == other_rows(10, {}));
  // Both keep the order that the rows had.
  auto place = [&](std::uint32_t row) {
    return std::find(training.begin(), training.end(), row);
  };
  CHECK(std::is_sorted(left.begin(), left.end(),
                       [&](auto a, auto b) { return place(a) < place(b); }));
  auto again = training;
  CHECK(take_validation_rows(again, 0.3, 5) == taken);
  again = training;
  CHECK(take_validation_rows(again, 0.3, 6) != taken);
}

TEST_CASE("validation never takes the last training row", "[runtime][data]") {
  rows one{3};
  CHECK(take_validation_rows(one, 0.99, 1).empty());
  CHECK(one == rows{3});
  rows none{1, 2, 3};
  CHECK(take_validation_rows(none, 0, 1).empty());
}

TEST_CASE("other rows are all but the taken ones", "[runtime][data]") {
  CHECK(other_rows(5, {3, 0}) == rows{1, 2, 4});
}
