#include "runtime/config/settings_list.hpp"
#include "test/support/catch.hpp"
#include "test/support/temporary_directory.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("settings are listed as they stand, by section",
          "[config][settings_list]") {
  test::temporary_directory folder;
  test::write_text(folder / "c.toml",
                   "plugins = []\n[run]\nname = \"a \\\"b\\\"\" # c\nseed = 3\n"
                   "[infer]\nlearning_rate = 0.01\nbootstrap = false\n"
                   "[model]\nhidden = [50, 20]\nunknown = 1e-5\n");
  const auto settings = list_settings(folder / "c.toml");
  REQUIRE(settings);
  const settings_list listed{{"plugins", "[]"},
                             {"run.name", "a \"b\""},
                             {"run.seed", "3"},
                             {"infer.learning_rate", "0.01"},
                             {"infer.bootstrap", "false"},
                             {"model.hidden", "[50, 20]"},
                             {"model.unknown", "1e-05"}};
  CHECK((*settings == listed));
  CHECK(find_setting(*settings, "run.seed") == "3");
  CHECK(find_setting(*settings, "run") == "");
}

TEST_CASE("settings of what is no TOML are refused",
          "[config][settings_list]") {
  test::temporary_directory folder;
  test::write_text(folder / "c.toml", "[run\n");
  const auto refused = list_settings(folder / "c.toml");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_config);
  CHECK_THAT(refused.error().message, ContainsSubstring("c.toml:1: syntax"));
  CHECK_FALSE(list_settings(folder / "none.toml"));
}
