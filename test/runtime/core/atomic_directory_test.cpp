#include "runtime/core/atomic_directory.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace posse;
namespace fs = std::filesystem;

namespace {

std::string found_text(const fs::path& target) {
  auto found = find_directory(target);
  return found ? test::read_text(*found / "text") : "nothing";
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& x : fs::directory_iterator{folder})
    names.insert(x.path().filename().string());
  return names;
}

/// What the disk holds when the process is killed after `steps` steps of
/// replacing old by new: a copy made before destructors clean up.
void kill_after(int steps, const fs::path& target, const fs::path& disk) {
  auto writer = atomic_directory::begin(target);
  REQUIRE(writer);
  test::write_text(writer->staging() / "text", "new");
  std::vector<std::function<expected<void>()>> all{
      [&] { return writer->sync(); }, [&] { return writer->retire(); },
      [&] { return writer->install(); }, [&] { return writer->clean_up(); }};
  for (int i = 0; i < steps; ++i)
    REQUIRE(all[static_cast<std::size_t>(i)]());
  fs::copy(target.parent_path(), disk, fs::copy_options::recursive);
}

} // namespace

TEST_CASE("a kill between any two steps leaves the old or the new directory",
          "[runtime][atomic_directory]") {
  auto had_old = GENERATE(true, false);
  auto steps = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(had_old, steps);
  test::temporary_directory folder;
  auto target = folder / "live" / "c";
  fs::create_directory(folder / "live");
  if (had_old) {
    fs::create_directory(target);
    test::write_text(target / "text", "old");
  }
  kill_after(steps, target, folder / "dead");
  auto left = folder / "dead" / "c";
  std::string whole = steps >= 3 ? "new" : had_old ? "old" : "nothing";
  CHECK(found_text(left) == whole);

  REQUIRE(recover_directory(left));
  CHECK(found_text(left) == whole);
  auto names = names_in(folder / "dead");
  CHECK(names
        == (whole == "nothing" ? std::set<std::string>{}
                               : std::set<std::string>{"c"}));
}

TEST_CASE("a directory half removed never hides the whole one",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  auto target = folder / "c";
  fs::create_directory(target);
  test::write_text(target / "text", "new");
  fs::create_directory(folder / "c.old"); // its files are gone already
  CHECK(found_text(target) == "new");
  REQUIRE(recover_directory(target));
  CHECK(names_in(folder.path()) == std::set<std::string>{"c"});
}

TEST_CASE("commit replaces a directory and leaves nothing beside it",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  auto target = folder / "c/"; // as users write it
  for (std::string text : {"first", "second"}) {
    auto writer = atomic_directory::begin(target);
    REQUIRE(writer);
    test::write_text(writer->staging() / "text", text);
    REQUIRE(writer->commit());
    CHECK(found_text(target) == text);
  }
  CHECK(names_in(folder.path()) == std::set<std::string>{"c"});
}

TEST_CASE("a directory of many files and folders is committed whole",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  auto writer = atomic_directory::begin(folder / "c");
  REQUIRE(writer);
  fs::create_directory(writer->staging() / "deep");
  for (int i = 0; i < 100; ++i)
    test::write_text(writer->staging() / "deep" / std::to_string(i), "x");
  REQUIRE(writer->commit());
  CHECK(names_in(folder / "c" / "deep").size() == 100);
}

TEST_CASE("a writer that is given up leaves no trace",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  {
    auto writer = atomic_directory::begin(folder / "c");
    REQUIRE(writer);
    test::write_text(writer->staging() / "text", "new");
  }
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("begin recovers what a killed writer left",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  fs::create_directory(folder / "c.old");
  test::write_text(folder / "c.old" / "text", "old");
  fs::create_directory(folder / "c.tmp-1");
  auto writer = atomic_directory::begin(folder / "c");
  REQUIRE(writer);
  CHECK(found_text(folder / "c") == "old");
  CHECK_FALSE(fs::exists(folder / "c.tmp-1"));
}

TEST_CASE("begin names a parent that is not there",
          "[runtime][atomic_directory]") {
  test::temporary_directory folder;
  auto refused = atomic_directory::begin(folder / "none" / "c");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io_error);
  CHECK_THAT(refused.error().message,
             Catch::Matchers::ContainsSubstring("No such file"));
}
