#include "runtime/config/plugin_list.hpp"
#include "test/support/catch.hpp"

#include <string>
#include <vector>

using namespace posse;

namespace {

/// "PATH at WHERE" of each plugin, or what was wrong.
std::vector<std::string> listed(const std::string& text,
                                std::vector<std::string> sets = {}) {
  auto plugins = list_plugins_of(text, "/base/e.toml", sets);
  if (!plugins)
    return {plugins.error().message};
  std::vector<std::string> out;
  for (const auto& each : *plugins)
    out.push_back(each.path.string() + " at " + each.where);
  return out;
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("plugins are listed with the lines that name them",
          "[config][plugin_list]") {
  CHECK(listed("[data]\npath = 1\n").empty());
  CHECK(listed("# one\nplugins = [\"a.so\",\n  \"../b.so\"]\n[data]\n")
        == lines{"/base/a.so at /base/e.toml:2: plugins[0]",
                 "/b.so at /base/e.toml:3: plugins[1]"});
}

TEST_CASE("plugins are listed whatever is wrong with the rest",
          "[config][plugin_list]") {
  CHECK(listed("plugins = [\"a.so\"]\n[infer]\nalgoritm = \"mine\"\n")
        == lines{"/base/a.so at /base/e.toml:1: plugins[0]"});
}

TEST_CASE("the last --set of plugins replaces those of the file",
          "[config][plugin_list]") {
  const std::string text = "plugins = [\"a.so\"]\n[data]\n";
  CHECK(listed(text, {"infer.steps=5", "plugins=[\"/b.so\"]"})
        == lines{"/b.so at --set plugins[0]"});
  CHECK(listed(text, {"plugins=[\"/b.so\"]", " plugins = []"}).empty());
}

TEST_CASE("plugins that are no paths are refused", "[config][plugin_list]") {
  CHECK(listed("plugins = 3\n[data]\n")
        == lines{"/base/e.toml:1: plugins: expected an array of paths, got 3"});
  CHECK(listed("plugins = [\"a.so\", 2]\n[data]\n")
        == lines{"/base/e.toml:1: plugins[1]: expected a path, got 2"});
  CHECK(listed("[data]\n", {"plugins=a.so"})
        == lines{"--set plugins: expected an array of paths, got \"a.so\""});
  CHECK(listed("plugins = [\n").front().starts_with("/base/e.toml:1: syntax"));
}

TEST_CASE("the file of a cluster has no plugins", "[config][plugin_list]") {
  CHECK(listed("plugins = [\"a.so\"]\n[cluster]\nname = \"c\"\n").empty());
  CHECK(listed("plugins = [\"a.so\"]\n[cluster]\n", {"data.path=x"}).size()
        == 1);
}
