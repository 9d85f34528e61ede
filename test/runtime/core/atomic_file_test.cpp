#include "runtime/core/atomic_file.hpp"
#include "test/support/catch.hpp"
#include "test/support/child_process.hpp"
#include "test/support/temporary_directory.hpp"

#include <iterator>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

auto entries_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator{folder},
                       std::filesystem::directory_iterator{});
}

} // namespace

TEST_CASE("an output_file holds its pieces in order, small and large",
          "[runtime][atomic_file]") {
  test::temporary_directory folder;
  auto file = output_file::create(folder / "pieces");
  REQUIRE(file);
  std::string expected_text;
  for (std::size_t size : {1, 70'000, 0, 65'535, 2, 65'536, 200'000, 3}) {
    std::string piece(size, static_cast<char>('a' + expected_text.size() % 26));
    REQUIRE(file->write(piece));
    expected_text += piece;
  }
  REQUIRE(file->sync_and_close());
  CHECK(test::read_text(folder / "pieces") == expected_text);
}

TEST_CASE("write_file_atomically creates and replaces, and leaves one file",
          "[runtime][atomic_file]") {
  test::temporary_directory folder;
  REQUIRE(write_file_atomically(folder / "a", "old, and longer"));
  REQUIRE(write_file_atomically(folder / "a", "new"));
  CHECK(test::read_text(folder / "a") == "new");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("contents may come in pieces, and fail half-way",
          "[runtime][atomic_file]") {
  test::temporary_directory folder;
  REQUIRE(write_file_atomically(folder / "a", [](output_file& file) {
    auto first = file.write("one, ");
    return first ? file.write("two") : first;
  }));
  CHECK(test::read_text(folder / "a") == "one, two");
  const auto half = write_file_atomically(
      folder / "a", [](output_file& file) -> expected<void> {
        (void)file.write("thr");
        return fail(errc::node_lost, "there is no more");
      });
  REQUIRE_FALSE(half);
  CHECK(half.error().message == "there is no more");
  CHECK(test::read_text(folder / "a") == "one, two");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("a full disk is named and leaves the old file alone",
          "[runtime][atomic_file]") {
  test::temporary_directory folder;
  REQUIRE(write_file_atomically(folder / "a", "old"));
  auto message = test::message_on_full_disk(100'000, [&] {
    return write_file_atomically(folder / "a", std::string(200'000, 'x'));
  });
  CHECK_THAT(message, ContainsSubstring((folder / "a").string()));
  CHECK_THAT(message, EndsWith("cannot write: File too large"));
  CHECK(test::read_text(folder / "a") == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("a small write to a full device fails when the file is closed",
          "[runtime][atomic_file]") {
  auto file = output_file::create("/dev/full");
  REQUIRE(file);
  REQUIRE(file->write("gathered, not yet written"));
  auto closed = file->close();
  REQUIRE_FALSE(closed);
  CHECK(closed.error()
        == failure{errc::io_error,
                   "/dev/full: cannot write: No space left on device"});
}

TEST_CASE("write_file_atomically names a folder that is not there",
          "[runtime][atomic_file]") {
  test::temporary_directory folder;
  auto refused = write_file_atomically(folder / "none" / "a", "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io_error);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("cannot create: No such file or directory"));
}
