#include "runtime/data/data_files.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

data_section section_of(const std::filesystem::path& path) {
  data_section out;
  out.path = path;
  return out;
}

} // namespace

TEST_CASE("the files of a data set are named with their hashes",
          "[runtime][data]") {
  temporary_directory folder;
  write_text(folder / "data.csv", "abc");
  write_text(folder / "splits.csv", "0\n");
  auto section = section_of(folder / "data.csv");
  section.splits = folder / "splits.csv";
  auto files = data_files(section);
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK(files->front().path == folder / "data.csv");
  // FIPS 180-2, appendix B.1.
  CHECK(files->front().sha256
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(check_data_files(section, *files));
}

TEST_CASE("a folder's files are those that its reader takes",
          "[runtime][data]") {
  temporary_directory folder;
  for (const auto* name : {"x.npy", "y.npy", "notes.txt"})
    write_text(folder / name, name);
  auto files = data_files(section_of(folder.path()));
  REQUIRE(files);
  CHECK(files->size() == 2);
}

TEST_CASE("a file that is missing or of other bytes is named",
          "[runtime][data]") {
  temporary_directory folder;
  const auto path = folder / "data.csv";
  write_text(path, "abc");
  auto wanted = data_files(section_of(path));
  REQUIRE(wanted);
  write_text(path, "abd");
  auto changed = check_data_files(section_of(path), *wanted);
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code == errc::invalid_data);
  CHECK_THAT(changed.error().message,
             ContainsSubstring(path.string())
                 && ContainsSubstring(wanted->front().sha256));
  std::filesystem::remove(path);
  auto missing = check_data_files(section_of(path), *wanted);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::invalid_data);
  CHECK_THAT(missing.error().message, ContainsSubstring(path.string()));
}
