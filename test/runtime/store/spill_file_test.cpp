#include "runtime/store/spill_file.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <array>
#include <filesystem>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

std::vector<std::byte> row_of(std::size_t bytes, int first) {
  std::vector<std::byte> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    out[i] = static_cast<std::byte>(static_cast<std::size_t>(first) + i);
  return out;
}

} // namespace

TEST_CASE("rows come back from disk as they went", "[runtime][store]") {
  const temporary_directory folder;
  spill_file file{folder.path(), 300};
  const auto a = file.take(100);
  const auto b = file.take(200);
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(file.write(*a, row_of(100, 1)));
  REQUIRE(file.write(*b, row_of(200, 2)));
  std::vector<std::byte> got(100);
  REQUIRE(file.read(*a, got));
  CHECK((got == row_of(100, 1)));
  got.resize(200);
  REQUIRE(file.read(*b, got));
  CHECK((got == row_of(200, 2)));
}

TEST_CASE("a spill file keeps within its budget and uses places again",
          "[runtime][store]") {
  const temporary_directory folder;
  spill_file file{folder.path(), 250};
  const auto a = file.take(100);
  REQUIRE(a);
  REQUIRE(file.take(100));
  const auto none = file.take(100);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::out_of_memory);
  CHECK(none.error().message
        == "the room on disk is used up: 200 of 250 bytes");
  file.give_back(*a);
  const auto again = file.take(100);
  REQUIRE(again);
  CHECK(again->offset == a->offset);
}

TEST_CASE("nothing of a spill file is to be seen", "[runtime][store]") {
  const temporary_directory folder;
  spill_file file{folder.path(), 100};
  REQUIRE(file.take(100));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a spill file without a folder says which", "[runtime][store]") {
  const temporary_directory folder;
  spill_file file{folder.path() / "gone", 100}; // no error until it is needed
  const auto none = file.take(100);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::io_error);
  CHECK(none.error().message
        == "no file for particles in " + (folder.path() / "gone").string()
               + ": No such file or directory");
}
