#include "runtime/checkpoint/run_directory.hpp"
#include "test/support/catch.hpp"
#include "test/support/child_process.hpp"
#include "test/support/temporary_directory.hpp"

#include <set>
#include <unistd.h>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

using enum existing_run;

std::string refusal(const fs::path& path, existing_run mode) {
  auto result = run_directory::check(path, mode);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::invalid_config);
  CHECK_THAT(result.error().message, StartsWith("run.out: "));
  return result.error().message;
}

/// Leaves the files of a finished run, and the lock if `by_posse`.
run_files finished_run(const fs::path& root, bool by_posse = true) {
  run_files files{root};
  if (by_posse) {
    auto run = run_directory::check(root, refuse);
    REQUIRE(run);
    REQUIRE(run->create());
  } else {
    fs::create_directories(root);
  }
  for (const auto& path :
       {files.config(), files.log(), files.result(), files.predictions(),
        files.learning(), files.report()})
    test::write_text(path, "of a run");
  fs::create_directory(files.checkpoint());
  test::write_text(files.checkpoint() / "manifest.json", "{}");
  return files;
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& x : fs::directory_iterator{folder})
    names.insert(x.path().filename().string());
  return names;
}

} // namespace

TEST_CASE("checking a run directory writes nothing",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  auto run = run_directory::check(folder / "runs/a/", refuse);
  REQUIRE(run);
  CHECK(names_in(folder.path()).empty());
  REQUIRE(run->create());
  CHECK(run->files().root == folder / "runs/a");
  CHECK(names_in(folder / "runs/a") == std::set<std::string>{".lock"});
}

TEST_CASE("a relative run directory becomes absolute",
          "[runtime][run_directory]") {
  auto run = run_directory::check("no/such/../folder", refuse);
  REQUIRE(run);
  CHECK(run->files().root == fs::current_path() / "no/folder");
}

TEST_CASE("an empty directory may be used, and one that was only locked",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  CHECK(run_directory::check(folder.path(), refuse));
  CHECK(run_directory::check(folder.path(), overwrite));
  CHECK(run_directory::check(folder.path(), refuse)->create());
  CHECK(run_directory::check(folder.path(), refuse));
}

TEST_CASE("a run directory that cannot be is refused with its reason",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  test::write_text(folder / "file", "");
  auto mode = GENERATE(refuse, overwrite, resume);
  CHECK_THAT(refusal("", mode), EndsWith("expected a path, got \"\""));
  CHECK_THAT(refusal(folder / "file", mode),
             EndsWith("is a file, expected a directory"));
  CHECK_THAT(refusal(folder / "file/a/b", mode),
             EndsWith("lies in the file " + (folder / "file").string()));
  CHECK_THAT(refusal(folder / std::string(300, 'x'), mode),
             EndsWith("File name too long"));
}

TEST_CASE("a run directory that may not be written is refused",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  fs::permissions(folder.path(), fs::perms{0755});
  fs::create_directory(folder / "closed");
  fs::permissions(folder / "closed", fs::perms{0555});
  for (auto path : {folder / "closed", folder / "closed/a/b"}) {
    auto message = test::message_in_child(
        [] {
          constexpr uid_t nobody = 65534; // root may write everywhere
          if (::geteuid() == 0 && ::setuid(nobody) != 0)
            ::_exit(1);
        },
        [&]() -> expected<void> {
          auto result = run_directory::check(path, refuse);
          return result ? expected<void>{} : fail(std::move(result));
        });
    CHECK(message
          == "run.out: " + path.string() + " cannot be written: "
                 + (folder / "closed").string() + ": Permission denied");
  }
}

TEST_CASE("a run directory that is not empty needs a word",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  finished_run(folder / "a");
  CHECK_THAT(
      refusal(folder / "a", refuse),
      EndsWith("a exists and is not empty: use --overwrite or --resume"));
}

TEST_CASE("overwrite removes what a run wrote and nothing else",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  auto by_posse = GENERATE(true, false); // false: copied without the lock
  auto files = finished_run(folder / "a", by_posse);
  test::write_text(files.root / "notes.txt", "mine");
  test::write_text(files.root / "config.toml.old", "mine");
  test::write_text(files.root / "result.json.tmp-mine", "mine");
  test::write_text(files.root / "result.json.tmp-12-0", "half");
  fs::create_directory(files.root / "checkpoint.old");
  fs::create_directory(files.root / "checkpoint.tmp-12");
  auto run = run_directory::check(files.root, overwrite);
  REQUIRE(run);
  CHECK(fs::exists(files.result()));
  REQUIRE(run->create());
  CHECK(names_in(files.root)
        == std::set<std::string>{".lock", "config.toml.old", "notes.txt",
                                 "result.json.tmp-mine"});
}

TEST_CASE("overwrite will not touch a directory that holds no run",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  test::write_text(folder / "config.toml", "of another program");
  CHECK_THAT(refusal(folder.path(), overwrite),
             ContainsSubstring("holds no run of posse"));
  test::write_text(folder / ".lock", "of another program");
  CHECK_THAT(refusal(folder.path(), overwrite),
             ContainsSubstring("holds no run of posse"));
}

TEST_CASE("create checks again before it removes anything",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  auto run = run_directory::check(folder.path(), overwrite);
  REQUIRE(run);
  test::write_text(folder / "config.toml", "came in between");
  auto refused = run->create();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_config);
  CHECK(test::read_text(folder / "config.toml") == "came in between");
}

TEST_CASE("resume needs a checkpoint and keeps all but leftovers",
          "[runtime][run_directory]") {
  test::temporary_directory folder;
  CHECK_THAT(refusal(folder / "none", resume),
             EndsWith("does not exist: there is nothing to resume"));
  CHECK_THAT(refusal(folder.path(), resume),
             ContainsSubstring("holds no checkpoint to resume"));
  auto files = finished_run(folder / "a");
  fs::rename(files.checkpoint(), files.root / "checkpoint.old"); // killed
  fs::create_directory(files.root / "checkpoint.tmp-12");
  test::write_text(files.root / "result.json.tmp-12-0", "half");
  auto run = run_directory::check(files.root, resume);
  REQUIRE(run);
  REQUIRE(run->create());
  CHECK(names_in(files.root)
        == std::set<std::string>{".lock", "checkpoint", "config.toml",
                                 "learning.csv", "log.jsonl", "predictions.csv",
                                 "report.html", "result.json"});
  CHECK(fs::exists(files.checkpoint() / "manifest.json"));
}

TEST_CASE("two runs cannot share a directory", "[runtime][run_directory]") {
  test::temporary_directory folder;
  auto second = run_directory::check(folder / "a", overwrite);
  REQUIRE(second);
  {
    auto first = run_directory::check(folder / "a", refuse);
    REQUIRE(first);
    REQUIRE(first->create());
    test::write_text(first->files().config(), "of the first");
    auto moved = std::move(*first); // the lock goes along
    auto refused = second->create();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_config);
    CHECK_THAT(refused.error().message,
               EndsWith("is in use by another run (posse run, process "
                        + std::to_string(::getpid()) + ")"));
    CHECK(fs::exists(moved.files().config()));
  }
  CHECK(second->create());
}
