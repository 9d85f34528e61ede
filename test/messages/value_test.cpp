#include "messages/value.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;

namespace {

const value settings = value_dict{
    {"learning_rate", 0.5},  {"steps", 3},
    {"name", "adam"},        {"nesterov", true},
    {"nothing", value{}},    {"betas", value_list{0.9, 1}},
    {"state", value_dict{}}, {"weights", tensor_blob{}},
};

template <class T>
std::string failure_of(const expected<T>& x) {
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::invalid_argument);
  return x.error().message;
}

} // namespace

TEST_CASE("a dict gives each entry as its own type", "[messages][value]") {
  CHECK(settings.at<double>("learning_rate") == 0.5);
  CHECK(settings.at<std::int64_t>("steps") == 3);
  CHECK(settings.at<std::string>("name") == "adam");
  CHECK(settings.at<bool>("nesterov") == true);
  CHECK(settings.at<value_list>("betas")->size() == 2);
  CHECK(settings.at<value_dict>("state")->empty());
  CHECK(settings.at<tensor_blob>("weights") == tensor_blob{});
}

TEST_CASE("an int answers for a double when a double holds it",
          "[messages][value]") {
  CHECK(settings.at<double>("steps") == 3.0);
  const auto exact = std::int64_t{1} << 53;
  CHECK(value{exact}.to<double>("n") == 9007199254740992.0);
  CHECK(failure_of(value{exact + 1}.to<double>("n"))
        == "n: expected a double, got an int 9007199254740993");
  CHECK(failure_of(value{1.0}.to<std::int64_t>("n"))
        == "n: expected an int, got a double 1.0");
}

TEST_CASE("a wrong type is refused with what was expected and what came",
          "[messages][value]") {
  const value x = value_dict{{"learning_rate", "fast"}};
  CHECK(failure_of(x.at<double>("learning_rate"))
        == R"(learning_rate: expected a double, got a string "fast")");
  CHECK(failure_of(x.at_or<double>("learning_rate", 1.0))
        == R"(learning_rate: expected a double, got a string "fast")");
  CHECK(failure_of(settings.at<bool>("nothing"))
        == "nothing: expected a bool, got none");
  CHECK(failure_of(settings.at<value_dict>("weights"))
        == "weights: expected a dict, got a tensor f32[0]");
}

TEST_CASE("a missing entry is refused with the entries there are",
          "[messages][value]") {
  const value x = value_dict{{"lr", 0.1}, {"momentum", 0.9}};
  CHECK(failure_of(x.at<double>("rate"))
        == "rate: expected a double, but there is no such entry; it has: lr, "
           "momentum");
  CHECK(failure_of(value{value_dict{}}.at<double>("rate"))
        == "rate: expected a double, but there is no such entry; it is empty");
  CHECK(failure_of(value{3}.at<double>("rate"))
        == "rate: expected a dict with this entry, got an int 3");
  CHECK(failure_of(value{}.at_or<double>("rate", 1.0))
        == "rate: expected a dict with this entry, got none");
}

TEST_CASE("a default stands in for a missing entry only", "[messages][value]") {
  CHECK(settings.at_or<double>("momentum", 0.25) == 0.25);
  CHECK(settings.at_or<double>("learning_rate", 0.25) == 0.5);
}

TEST_CASE("values compare deeply and by bits", "[messages][value]") {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(value{value_list{nan}} == value{value_list{nan}});
  CHECK(value{0.0} != value{-0.0});
  CHECK(value{1} != value{1.0});
  CHECK(value{value_dict{{"a", 1}}} != value{value_dict{{"a", 2}}});
  CHECK(value{} == value{});
}

TEST_CASE("a value prints like JSON", "[messages][value]") {
  CHECK(to_string(settings)
        == R"({"betas": [0.9, 1], "learning_rate": 0.5, "name": "adam", )"
           R"("nesterov": true, "nothing": none, "state": {}, "steps": 3, )"
           R"("weights": f32[0]})");
  CHECK(to_string(value{1.0}) == "1.0");
  CHECK(to_string(value{-1e300}) == "-1e+300");
  CHECK(to_string(value{-std::numeric_limits<double>::infinity()}) == "-inf");
  CHECK(to_string(value{"a\"b\\c\n\x01"}) == R"("a\"b\\c\n\u0001")");
}

TEST_CASE("a long value is cut, but not within a character",
          "[messages][value]") {
  CHECK(to_string(value{value_list(1000, value{1})}, 7) == "[1, 1, ...");
  CHECK(to_string(value{"\u00e4\u00e4"}, 4) == "\"\u00e4...");
  CHECK(to_string(value{"abc"}, 5) == "\"abc\"");
}

TEST_CASE("each type of value has a name", "[messages][value]") {
  CHECK(type_name(value{}) == "none");
  CHECK(type_name(settings) == "dict");
  CHECK(type_name(value{1}) == "int");
  CHECK(type_name(value{tensor_blob{}}) == "tensor");
}
