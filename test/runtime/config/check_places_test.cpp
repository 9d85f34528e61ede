#include "runtime/config/check_places.hpp"
#include "runtime/config/load_config.hpp"
#include "test/support/catch.hpp"

#include <string>
#include <vector>

using namespace posse;

namespace {

const std::string head = "[data]\npath = \"a.csv\"\n[infer]\nparticles = 2\n";
const std::string nodes = "[[node]]\nname = \"north\"\nport = 7101\n"
                          "[[node]]\nname = \"south\"\nport = 7102\n"
                          "devices = [\"cpu:0\", \"cpu:1\"]\n";

/// The config with these lines of [run], from line 6 on; or what is wrong.
expected<run_config> read(const std::string& run, const std::string& rest) {
  auto config = parse_config(head + "[run]\n" + run + rest, "e.toml");
  if (!config)
    return config;
  if (auto there = check_places_exist(*config); !there)
    return fail(std::move(there));
  return config;
}

void refused(const std::string& run, const std::string& rest,
             const std::string& message) {
  CAPTURE(run);
  auto config = read(run, rest);
  REQUIRE_FALSE(config);
  CHECK(config.error() == failure{errc::invalid_config, "e.toml:" + message});
}

std::string explicit_places(const std::string& places) {
  return "placement = \"explicit\"\nplaces = " + places + '\n';
}

} // namespace

TEST_CASE("places name devices of nodes, or of this machine",
          "[config][check_places]") {
  auto on_nodes =
      read(explicit_places(R"(["south/cpu:1", "north/cpu:0"])"), nodes);
  REQUIRE(on_nodes);
  CHECK(on_nodes->run.placement == "explicit");
  CHECK(on_nodes->run.places
        == std::vector<std::string>{"south/cpu:1", "north/cpu:0"});
  CHECK(read(explicit_places(R"(["cpu:0", "cpu:0"])"), ""));
  for (std::string policy : {"round_robin", "pack", "spread"})
    CHECK(read("placement = \"" + policy + "\"\n", nodes));
}

TEST_CASE("every particle has one place", "[config][check_places]") {
  refused(explicit_places(R"(["cpu:0"])"), "",
          "7: run.places: expected one place a particle, 2 in all, got 1");
  refused(explicit_places("[]"), "",
          "7: run.places: expected one place a particle, 2 in all, got 0");
  refused(explicit_places(R"(["cpu:0", "cpu:0", "cpu:0"])"), "",
          "7: run.places: expected one place a particle, 2 in all, got 3");
}

TEST_CASE("places and explicit go together", "[config][check_places]") {
  refused("placement = \"explicit\"\n", "",
          "6: run.placement: expected run.places with \"explicit\", one place "
          "a particle, got none");
  refused("places = [\"cpu:0\", \"cpu:0\"]\n", "",
          "6: run.places: expected no such key with run.placement = "
          "\"round_robin\", which does not use it, got [\"cpu:0\", \"cpu:0\"]");
  refused("placement = \"pack\"\nplaces = [\"cpu:0\", \"cpu:0\"]\n", "",
          "7: run.places: expected no such key with run.placement = \"pack\", "
          "which does not use it, got [\"cpu:0\", \"cpu:0\"]");
}

TEST_CASE("a place that is not there names the nearest one",
          "[config][check_places]") {
  refused(explicit_places(R"(["north/cpu:0", "nort/cpu:0"])"), nodes,
          "7: run.places[1]: expected a node of the cluster, got "
          "\"nort/cpu:0\"; did you mean \"north\"?");
  refused(explicit_places(R"(["north/cpu:0", "zebra/cpu:0"])"), nodes,
          "7: run.places[1]: expected a node of the cluster, got "
          "\"zebra/cpu:0\"; known are north or south");
  refused(explicit_places(R"(["south/cpu:2", "north/cpu:0"])"), nodes,
          "7: run.places[0]: expected a device of node south, got "
          "\"south/cpu:2\"; did you mean \"cpu:0\"?");
  refused(explicit_places(R"(["south/", "north/cpu:0"])"), nodes,
          "7: run.places[0]: expected a device of node south, got \"south/\"; "
          "known are cpu:0 or cpu:1");
  refused(explicit_places(R"(["north/cpu:0", "cpu:0"])"), nodes,
          "7: run.places[1]: expected NODE/DEVICE for a run on nodes, got "
          "\"cpu:0\"");
  refused(explicit_places(R"(["cpu:0", "cpu:1"])"), "",
          "7: run.places[1]: expected a device of local.devices, got "
          "\"cpu:1\"; did you mean \"cpu:0\"?");
  refused(explicit_places(R"(["cpu:0", "north/cpu:0"])"), "",
          "7: run.places[1]: expected a device of local.devices, got "
          "\"north/cpu:0\"; known are cpu:0");
}

TEST_CASE("wrong words and types of a placement say what was expected",
          "[config][check_places]") {
  refused("placement = \"packed\"\n", "",
          "6: run.placement: expected round_robin, pack, spread or explicit, "
          "got \"packed\"; did you mean \"pack\"?");
  refused("placement = 3\n", "",
          "6: run.placement: expected round_robin, pack, spread or explicit, "
          "got 3");
  refused(explicit_places("\"cpu:0\""), "",
          "7: run.places: expected an array of texts, got \"cpu:0\"");
  refused(explicit_places("[\"cpu:0\", 1]"), "",
          "7: run.places[1]: expected text, got 1");
  refused("place = [\"cpu:0\"]\n", "",
          "6: run.place: expected a key of [run], got an unknown one; did you "
          "mean \"places\"?");
}

TEST_CASE("more places than other lists may be long are taken",
          "[config][check_places]") {
  std::string places = "[\"cpu:0\"";
  for (int i = 1; i < 5000; ++i)
    places += ", \"cpu:0\"";
  auto config = parse_config(
      "[data]\npath = \"a.csv\"\n[infer]\nparticles = 5000\n[run]\n"
          + explicit_places(places + ']'),
      "e.toml");
  REQUIRE(config);
  CHECK(config->run.places.size() == 5000);
}

TEST_CASE("a run may take some nodes of its cluster",
          "[config][check_places]") {
  const auto some = read("nodes = [\"south\"]\n", nodes);
  REQUIRE(some);
  CHECK(some->run.nodes == std::vector<std::string>{"south"});
  CHECK(read("", nodes)->run.nodes.empty());

  CHECK(read("nodes = []\n", nodes)); // as written of a run on all

  refused("nodes = [\"south\", \"south\"]\n", nodes,
          "6: run.nodes[0]: expected each node once, got \"south\" twice");
  refused("nodes = [\"south\", \"nort\"]\n", nodes,
          "6: run.nodes[1]: expected a node of the cluster, got \"nort\"; did "
          "you mean \"north\"?");
  refused(
      "nodes = [\"south\"]\n", "",
      "6: run.nodes: expected nodes to choose from ([[node]] or --cluster), "
      "got none");
  refused(
      "nodes = [\"south\"]\n"
          + explicit_places(R"(["south/cpu:0", "north/cpu:0"])"),
      nodes,
      "8: run.places[1]: expected a node of run.nodes, got \"north/cpu:0\"");
}
