#include "runtime/core/file_bytes.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <sys/stat.h>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("read_file gives a file's bytes, none included",
          "[runtime][file_bytes]") {
  test::temporary_directory folder;
  std::string text{"a\0b", 3};
  test::write_text(folder / "full", text);
  test::write_text(folder / "empty", "");
  CHECK(read_file(folder / "full")->text() == text);
  CHECK(read_file(folder / "empty")->size == 0);
}

TEST_CASE("read_file refuses what is longer than it may be",
          "[runtime][file_bytes]") {
  test::temporary_directory folder;
  test::write_text(folder / "four", "1234");
  CHECK(read_file(folder / "four", 4).has_value());
  auto refused = read_file(folder / "four", 3);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io_error);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("expected at most 3 bytes, got 4"));
}

TEST_CASE("read_file refuses folders and does not wait on named pipes",
          "[runtime][file_bytes]") {
  test::temporary_directory folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  for (const auto& path : {folder / "pipe", folder.path()}) {
    auto refused = read_file(path);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message,
               ContainsSubstring("not a regular file"));
  }
}
