#include "runtime/compute/trial_cache.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <cstdlib>

using namespace posse;
using namespace posse::test;

TEST_CASE("a trial is found again, the last one of its run",
          "[runtime][compute][fuse]") {
  const temporary_directory folder;
  const auto file = folder / "new" / "trials.json";
  const trial_cache cache{file};
  CHECK_FALSE(cache.find("a"));
  cache.remember("a", {1.5, 2.5});
  cache.remember("b", {3, 4});
  cache.remember("a", {5, 6});
  const auto found = trial_cache{file}.find("a");
  REQUIRE(found);
  CHECK(found->plain_us == 5);
  CHECK(found->fused_us == 6);
  CHECK(cache.find("b"));
  CHECK_FALSE(cache.find("c"));
}

TEST_CASE("a file that is no cache is as good as none",
          "[runtime][compute][fuse]") {
  const temporary_directory folder;
  const auto file = folder / "trials.json";
  const trial_cache cache{file};
  for (const auto* text :
       {"", "not JSON", "{}", "[1, {}, {\"run\": 7}]", "[{\"run\": \"a\"}]",
        R"([{"run": "a", "plain_us": "1", "fused_us": 2}])",
        R"([{"run": "a", "plain_us": -1, "fused_us": 2}])"}) {
    INFO(text);
    write_text(file, text);
    CHECK_FALSE(cache.find("a"));
    cache.remember("a", {1, 2});
    CHECK(cache.find("a"));
  }
  // A folder in its place: nothing can be written, and nobody complains.
  const trial_cache blocked{folder.path()};
  blocked.remember("a", {1, 2});
  CHECK_FALSE(blocked.find("a"));
}

TEST_CASE("of very many trials the oldest are forgotten",
          "[runtime][compute][fuse]") {
  const temporary_directory folder;
  const auto file = folder / "trials.json";
  std::string text = "[";
  for (int i = 0; i < 1000; ++i)
    text += (i == 0 ? "" : ",") + std::string{R"({"run": ")"}
            + std::to_string(i) + R"(", "plain_us": 1, "fused_us": 2})";
  write_text(file, text + "]");
  const trial_cache cache{file};
  cache.remember("new", {1, 2});
  CHECK_FALSE(cache.find("0"));
  CHECK(cache.find("1"));
  CHECK(cache.find("new"));
}
