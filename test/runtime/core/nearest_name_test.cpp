#include "runtime/core/nearest_name.hpp"
#include "test/support/catch.hpp"

#include <string>
#include <vector>

using namespace posse;

TEST_CASE("an edit is one letter more, less, other or swapped with the next",
          "[core][nearest_name]") {
  CHECK(edit_distance("adam", "adam") == 0);
  CHECK(edit_distance("Adam", "aDAM") == 0);
  CHECK(edit_distance("adamw", "adam") == 1);
  CHECK(edit_distance("dam", "adam") == 1);
  CHECK(edit_distance("adum", "adam") == 1);
  CHECK(edit_distance("svdg", "svgd") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
}

TEST_CASE("a hint names the nearest name, and none that is far away",
          "[core][nearest_name]") {
  const std::vector<std::string> known{"adagrad", "adam", "adamw", "sgd"};
  CHECK(nearest_hint("adm", known) == "; did you mean \"adam\"?");
  CHECK(nearest_hint("ADAMW", known) == "; did you mean \"adamw\"?");
  CHECK(nearest_hint("adagard", known) == "; did you mean \"adagrad\"?");
  CHECK(nearest_hint("rmsprop", known).empty());
  CHECK(nearest_hint("", known).empty());
  CHECK(nearest_hint(std::string(1'000'000, 'a'), known).empty());
  CHECK(nearest_hint("adam", {}).empty());
  CHECK(nearest_hint("x", std::vector<std::string>{"y"}).empty());
}

TEST_CASE("a list of names reads as a sentence does", "[core][nearest_name]") {
  CHECK(list_names({}) == "nothing");
  CHECK(list_names(std::vector<std::string>{"a"}) == "a");
  CHECK(list_names(std::vector<std::string>{"a", "b"}) == "a or b");
  CHECK(list_names(std::vector<std::string>{"a", "b", "c"}) == "a, b or c");
}
