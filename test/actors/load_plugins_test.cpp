#include "actors/behavior.hpp"
#include "actors/load_plugins.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/model/schedule.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace posse;
namespace fs = std::filesystem;

namespace {

/// A plugin that the build has made for these tests.
fs::path built(const std::string& name) {
  return fs::path{POSSE_TEST_PLUGINS} / ("lib" + name + ".so");
}

expected<void> load(const fs::path& path,
                    std::span<const data_file> wanted = {}) {
  const std::vector<listed_plugin> one{{path, "e.toml:1: plugins[0]"}};
  return load_plugins(one, wanted);
}

/// What is said of a plugin that is refused.
std::string why_not(const fs::path& path,
                    std::span<const data_file> wanted = {}) {
  const auto done = load(path, wanted);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::invalid_config);
  const std::string start = "e.toml:1: plugins[0]: ";
  REQUIRE(done.error().message.starts_with(start));
  return done.error().message.substr(start.size());
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

} // namespace

TEST_CASE("a plugin's parts are known by their names", "[actors][plugins]") {
  REQUIRE(load(built("good")));
  CHECK(schedule_factor("half", 1, 2).value() == 0.5);
  CHECK(find_handler("good.ANSWER"));
  CHECK(has(registered_names().algorithms, "good"));
  REQUIRE(load(built("good"))); // once more: nothing happens
  const std::vector paths{built("good")};
  const auto files = loaded_plugin_files(paths);
  REQUIRE(files);
  CHECK(files->front().sha256 == sha256_of_file(paths[0]).value());
}

TEST_CASE("a file that is no plugin is refused, and nothing of it runs",
          "[actors][plugins]") {
  test::temporary_directory folder;
  const auto text = folder / "text.so";
  test::write_text(text, "no library\n");
  CHECK(why_not(text)
        == "expected a shared library, got " + text.string()
               + ", which is none");
  const auto missing = folder / "missing.so";
  CHECK(why_not(missing)
        == "expected a shared library, got " + missing.string()
               + ", which is not there");
  CHECK(why_not(folder / ".").starts_with("expected a shared library, got "));
  const auto plain = built("no_plugin");
  CHECK(why_not(plain)
        == "expected a plugin, got " + plain.string()
               + ", which has no POSSE_PLUGIN");
  CHECK(
      why_not(built("other_abi")).starts_with("expected a plugin for posse "));
  CHECK(why_not(built("other_abi"))
            .ends_with(", got one for posse 0.0.1\\nof long ago"));
  CHECK(std::getenv("POSSE_TEST_RAN") == nullptr);
}

TEST_CASE("a plugin that cannot be loaded says why in one line",
          "[actors][plugins]") {
  CHECK(why_not(built("throwing"))
        == "expected the plugin's parts, got an exception: no disk");
  CHECK(why_not(built("throwing"))
        == "expected a path that nothing was loaded from, got "
               + built("throwing").string()
               + ", from which this process keeps what it has refused until it "
                 "ends");
  const auto undefined = why_not(built("undefined"));
  CHECK(undefined.starts_with("expected a plugin that can be loaded, got "));
  CHECK(undefined.find("is_nowhere") != undefined.npos);
}

TEST_CASE("a plugin whose names are taken adds nothing", "[actors][plugins]") {
  CHECK(why_not(built("taken"))
        == "expected names of its own, got behaviour \"svgd\", which is there "
           "already");
  CHECK_FALSE(has(registered_names().schedules, "untaken"));
}

TEST_CASE("a process keeps the plugin that it has loaded",
          "[actors][plugins]") {
  REQUIRE(load(built("good")));
  test::temporary_directory folder;
  const auto copy = folder / "copy.so";
  fs::copy_file(built("good"), copy);
  REQUIRE(load(copy)); // the same bytes
  std::ofstream{copy, std::ios::app | std::ios::binary} << '\n';
  CHECK(why_not(copy)
        == "expected one plugin \"good\", got another than "
               + built("good").string()
               + ", which this process keeps until it ends");
}

TEST_CASE("a plugin has to be the one that another process has",
          "[actors][plugins]") {
  const auto path = built("good");
  const auto own = sha256_of_file(path).value();
  const std::vector<data_file> same{{path, own}};
  CHECK(load(path, same));
  const std::vector<data_file> other{{path, std::string(64, '0')}};
  CHECK(why_not(path, other)
        == "expected the driver's file (sha256 " + std::string(64, '0')
               + "), got another (" + own + ") in " + path.string());
  const std::vector unknown{fs::path{"/nowhere/x.so"}};
  CHECK(loaded_plugin_files(unknown).error().message.starts_with(
      "plugins: expected loaded ones, got /nowhere/x.so"));
}

TEST_CASE("a config may use the names of its plugins, and is helped with them",
          "[actors][plugins]") {
  test::temporary_directory folder;
  const auto file = folder / "e.toml";
  test::write_text(file, "plugins = [\"" + built("good").string()
                             + "\"]\n[data]\npath = \"x.csv\"\n"
                               "[infer]\nschedule = \"half\"\n");
  const std::vector<std::string> known{"infer.algorithm=good"};
  const auto config = load_run_config(file, known);
  REQUIRE(config);
  CHECK(config->infer.schedule == "half");
  CHECK(config->plugins == std::vector{built("good")});
  const std::vector<std::string> unknown{"infer.algorithm=goood"};
  CHECK(load_run_config(file, unknown).error().message
        == "--set infer.algorithm: expected deep_ensemble, good, "
           "hmc, laplace, mc_dropout, multi_swag, psgld, sghmc, sgld, svgd, "
           "swag or vi, got \"goood\"; did you mean \"good\"?");
}
