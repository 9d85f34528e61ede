#include "runtime/data/csv.hpp"
#include "test/runtime/data/temp_folder.hpp"
#include "test/support/catch.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

/// The message that reading `text` fails with, without the folder's name.
std::string refusal(std::string_view text) {
  temp_folder folder;
  auto path = folder.write("a.csv", text);
  auto result = read_csv(path);
  if (result)
    return "it was read";
  CHECK(result.error().code == errc::invalid_data);
  const auto& message = result.error().message;
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.starts_with(path.string()));
  return message.substr(folder.path().string().size() + 1);
}

} // namespace

TEST_CASE("a csv file becomes names and rows of doubles", "[runtime][data]") {
  temp_folder folder;
  auto data = read_csv(folder.write("a.csv", "a,b\n1,-2.5e-3\n0.1,4\n"));
  REQUIRE(data);
  CHECK(data->columns == std::vector<std::string>{"a", "b"});
  CHECK(data->rows == 2);
  CHECK(data->values == std::vector<double>{1, -2.5e-3, 0.1, 4});
  CHECK(data->at(1, 0) == 0.1);
  CHECK(data->find("b") == 1u);
  CHECK_FALSE(data->find("c"));
}

TEST_CASE("a csv file may look as spreadsheets write it", "[runtime][data]") {
  temp_folder folder;
  auto text = GENERATE("a,b\r\n1,2\r\n3,4\r\n", // CRLF
                       "\xEF\xBB\xBF"
                       "a,b\n1,2\n3,4",           // byte order mark, no newline
                       "a,b\n1,2\n3,4\n\n\r\n\n", // many newlines
                       " a ,\tb\n 1 , 2\t\n3,  4  \n", // blanks
                       "\"a\",\"b\"\n1,2\n3,4\n",      // quoted names
                       "\xEF\xBB\xBF"
                       " \"a\" , \"b\" \r\n+1,2.0\r\n3e0,.4e1\r\n");
  auto data = read_csv(folder.write("a.csv", text));
  REQUIRE(data);
  CHECK(data->columns == std::vector<std::string>{"a", "b"});
  CHECK(data->values == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("quoted names keep commas, quotes and UTF-8", "[runtime][data]") {
  temp_folder folder;
  auto data =
      read_csv(folder.write("a.csv", "\"a,b\",\"say \"\"x\"\"\",t \xC2\xB0"
                                     "C\n1,2,3\n"));
  REQUIRE(data);
  CHECK(data->columns
        == std::vector<std::string>{"a,b", "say \"x\"",
                                    "t \xC2\xB0"
                                    "C"});
}

TEST_CASE("a csv file's errors name line, column and what came",
          "[runtime][data]") {
  CHECK(refusal("") == "a.csv: expected a header line, got an empty file");
  CHECK(refusal("\n\n") == "a.csv: expected a header line, got an empty file");
  CHECK(refusal("a,b\n")
        == "a.csv: expected rows of numbers after the header line, got none");
  CHECK(refusal("a,b\n1,2\n3,abc\n")
        == "a.csv:3: column \"b\": expected a number, got \"abc\"");
  CHECK(refusal("a,b\n1,\n")
        == "a.csv:2: column \"b\": expected a number, got an empty field");
  CHECK(refusal("a,b\nnan,1\n")
        == "a.csv:2: column \"a\": expected a finite number, got \"nan\"");
  CHECK(refusal("a,b\n1,-inf\n")
        == "a.csv:2: column \"b\": expected a finite number, got \"-inf\"");
  CHECK(refusal("a,b\n1,1e999\n")
        == "a.csv:2: column \"b\": expected a number in a double's range, got "
           "\"1e999\"");
  CHECK(refusal("a,b\n1 2,3\n")
        == "a.csv:2: column \"a\": expected a number, got \"1 2\"");
  CHECK(refusal("a,b\n0x10,3\n")
        == "a.csv:2: column \"a\": expected a number, got \"0x10\"");
  CHECK(refusal("a,b\n+-1,3\n")
        == "a.csv:2: column \"a\": expected a number, got \"+-1\"");
}

TEST_CASE("a ragged csv row is an error", "[runtime][data]") {
  CHECK(refusal("a,b,c\n1,2\n")
        == "a.csv:2: expected 3 fields, got 2 (no column \"c\")");
  CHECK(refusal("a,b\n1,2\n1,2,3\n")
        == "a.csv:3: expected 2 fields, got 3 (fields after column \"b\")");
  CHECK(refusal("a,b\n1,2\n\n3,4\n")
        == "a.csv:3: expected 2 fields, got 0 (no column \"a\")");
}

TEST_CASE("a csv header needs names of its own", "[runtime][data]") {
  CHECK(refusal("a,b,a\n1,2,3\n")
        == "a.csv:1: column \"a\": expected a name of its own, got that of "
           "column 1 again in column 3");
  CHECK(refusal("a,,c\n1,2,3\n")
        == "a.csv:1: column 2: expected a name, got none");
  CHECK(refusal("a,b,\n1,2,3\n")
        == "a.csv:1: column 3: expected a name, got none");
  CHECK(refusal("a,\"b\n1,2\n")
        == "a.csv:1: name of column 2: expected a closing quote, got the "
           "line's end");
  CHECK(refusal("\"a\"x,b\n1,2\n")
        == "a.csv:1: name of column 1: expected a comma after the closing "
           "quote, got \"x\"");
  CHECK(refusal("a;b\n1;2\n")
        == "a.csv:1: expected names separated by commas, got \"a;b\"");
  CHECK(refusal("a,\xB0"
                "C\n1,2\n")
        == "a.csv:1: column 2: expected a name in UTF-8, got \"?C\"");
}

TEST_CASE("a binary file is no csv file", "[runtime][data]") {
  using namespace std::string_view_literals;
  CHECK(refusal("a,b\n1,\0002\n"sv)
        == "a.csv: expected comma-separated text, got a binary file (byte 6 "
           "is zero)");
}

TEST_CASE("what came is cut and made printable", "[runtime][data]") {
  auto message = refusal("a\n\x01\x02" + std::string(500, 'x') + "\n");
  CHECK_THAT(message, ContainsSubstring("got \"??xxx"));
  CHECK_THAT(message, EndsWith("...\""));
  CHECK(message.size() < 120);
}

TEST_CASE("a csv file that cannot be read is named", "[runtime][data]") {
  temp_folder folder;
  auto missing = read_csv(folder.path() / "none.csv");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::invalid_data);
  CHECK_THAT(missing.error().message,
             EndsWith("none.csv: cannot open the file: No such file or "
                      "directory"));
  auto a_folder = read_csv(folder.path());
  REQUIRE_FALSE(a_folder);
  CHECK(a_folder.error().message
        == folder.path().string() + ": expected a file, got a folder");
}

TEST_CASE("a csv file without permission is named", "[runtime][data]") {
  if (geteuid() == 0)
    SKIP("root may read any file");
  temp_folder folder;
  auto path = folder.write("a.csv", "a\n1\n");
  chmod(path.c_str(), 0);
  auto result = read_csv(path);
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message, ContainsSubstring("cannot open"));
}

TEST_CASE("the shipped data sets are read whole", "[runtime][data]") {
  auto energy = read_csv(examples_data() / "energy.csv");
  REQUIRE(energy);
  CHECK(energy->rows == 768);
  CHECK(energy->columns.size() == 9);
  CHECK(energy->columns.back() == "heating_load");
  CHECK(energy->at(0, 8) == 15.55);
  auto concrete = read_csv(examples_data() / "concrete.csv");
  REQUIRE(concrete);
  CHECK(concrete->rows == 1030);
  CHECK(concrete->columns.back() == "strength");
}
