#include "runtime/placement/placement.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace posse;

namespace {

using names = std::vector<std::string>;

/// Node a with one device, node b with two; room for 1, 2 and 3 particles.
std::vector<placement_node> three_devices() {
  return {{"a", {{"cpu:0", 1}}}, {"b", {{"cpu:0", 2}, {"cpu:1", 3}}}};
}

placement made(placement_policy policy, std::vector<placement_node> nodes,
               const names& places = {}) {
  auto out = placement::make(policy, std::move(nodes), places);
  INFO((out ? std::string{} : out.error().message));
  REQUIRE(out);
  return *std::move(out);
}

std::string name_of(const std::vector<placement_node>& nodes,
                    device_place place) {
  const auto& node = nodes.at(place.node);
  return node.name + '/' + node.devices.at(place.device).name;
}

/// Where the first `count` particles go.
names places_of(placement_policy policy,
                const std::vector<placement_node>& nodes, int count,
                const names& places = {}) {
  auto where = made(policy, nodes, places);
  names out;
  for (int i = 0; i < count; ++i) {
    const auto next = where.next();
    CHECK(where.next() == next); // asking changes nothing
    const auto& node = nodes.at(next.node);
    REQUIRE(where.add(node.name, node.devices.at(next.device).name));
    out.push_back(name_of(nodes, next));
  }
  return out;
}

} // namespace

TEST_CASE("round robin takes every device of every node in turn",
          "[placement]") {
  CHECK(places_of(placement_policy::round_robin, three_devices(), 7)
        == names{"a/cpu:0", "b/cpu:0", "b/cpu:1", "a/cpu:0", "b/cpu:0",
                 "b/cpu:1", "a/cpu:0"});
}

TEST_CASE("pack fills one device after the other, then all in turn",
          "[placement]") {
  CHECK(places_of(placement_policy::pack, three_devices(), 10)
        == names{"a/cpu:0", "b/cpu:0", "b/cpu:0", "b/cpu:1", "b/cpu:1",
                 "b/cpu:1", "a/cpu:0", "b/cpu:0", "b/cpu:1", "a/cpu:0"});
}

TEST_CASE("pack leaves devices alone that hold no particle", "[placement]") {
  const std::vector<placement_node> nodes{{"a", {{"cpu:0", 0}, {"cpu:1", 1}}},
                                          {"b", {{"cpu:0", 1}}}};
  CHECK(places_of(placement_policy::pack, nodes, 4)
        == names{"a/cpu:1", "b/cpu:0", "a/cpu:1", "b/cpu:0"});
  // Where all are such, somebody has to say what is wrong with one.
  CHECK(places_of(placement_policy::pack, {{"a", {{"cpu:0", 0}, {"cpu:1", 0}}}},
                  3)
        == names{"a/cpu:0", "a/cpu:1", "a/cpu:0"});
}

TEST_CASE("spread takes the node with the fewest, then its device",
          "[placement]") {
  CHECK(places_of(placement_policy::spread, three_devices(), 7)
        == names{"a/cpu:0", "b/cpu:0", "a/cpu:0", "b/cpu:1", "a/cpu:0",
                 "b/cpu:0", "a/cpu:0"});
}

TEST_CASE("spread counts particles that others have placed", "[placement]") {
  const auto nodes = three_devices();
  auto where = made(placement_policy::spread, nodes);
  REQUIRE(where.add("a", "cpu:0"));
  REQUIRE(where.add("a", "cpu:0"));
  REQUIRE(where.add("b", "cpu:0"));
  CHECK(name_of(nodes, where.next()) == "b/cpu:1");
}

TEST_CASE("explicit places are taken one by one, and over again",
          "[placement]") {
  CHECK(places_of(placement_policy::listed, three_devices(), 4,
                  {"b/cpu:1", "a/cpu:0", "b/cpu:1"})
        == names{"b/cpu:1", "a/cpu:0", "b/cpu:1", "b/cpu:1"});
}

TEST_CASE("a device without a node is one of the first node", "[placement]") {
  CHECK(places_of(placement_policy::listed,
                  {{"local", {{"cpu:0", 1}, {"cpu:1", 1}}}}, 2,
                  {"cpu:1", "cpu:0"})
        == names{"local/cpu:1", "local/cpu:0"});
}

TEST_CASE("what cannot be placed is refused", "[placement]") {
  const names one{"a/cpu:0"};
  CHECK(placement::make(placement_policy::round_robin, {{"a", {}}}).error().code
        == errc::invalid_argument);
  CHECK(placement::make(placement_policy::listed, three_devices()).error().code
        == errc::invalid_argument);
  auto unknown = placement::make(placement_policy::listed, three_devices(),
                                 names{"a/cpu:1"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error()
        == failure{errc::device_unavailable, "node a has no device \"cpu:1\""});
  auto where = made(placement_policy::pack, three_devices());
  CHECK(where.add("c", "cpu:0").error().code == errc::device_unavailable);
  CHECK(where.next() == device_place{0, 0});
}

TEST_CASE("placements are found by the names of the config", "[placement]") {
  CHECK(parse_placement_policy("round_robin") == placement_policy::round_robin);
  CHECK(parse_placement_policy("pack") == placement_policy::pack);
  CHECK(parse_placement_policy("spread") == placement_policy::spread);
  CHECK(parse_placement_policy("explicit") == placement_policy::listed);
  CHECK(parse_placement_policy("packed").error().code == errc::unknown_name);
}

TEST_CASE("no device is left out, and none is far ahead, on any cluster",
          "[placement]") {
  std::mt19937 draw{7};
  auto up_to = [&draw](std::size_t most) { return 1 + draw() % most; };
  for (int round = 0; round < 50; ++round) {
    std::vector<placement_node> nodes(up_to(5));
    std::size_t devices = 0;
    std::size_t room = 0;
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      nodes[n].name = "n" + std::to_string(n);
      const auto count = up_to(4);
      devices += count;
      for (std::size_t d = 0; d < count; ++d) {
        nodes[n].devices.push_back({"cpu:" + std::to_string(d), up_to(6)});
        room += nodes[n].devices.back().capacity;
      }
    }
    auto spread_of = [&](placement_policy policy, std::size_t count) {
      std::vector<std::size_t> on_device;
      std::vector<std::size_t> on_node;
      const auto taken = places_of(policy, nodes, static_cast<int>(count));
      for (const auto& node : nodes) {
        on_node.push_back(0);
        for (const auto& d : node.devices) {
          on_device.push_back(static_cast<std::size_t>(
              std::ranges::count(taken, node.name + '/' + d.name)));
          on_node.back() += on_device.back();
        }
      }
      const auto [least_d, most_d] = std::ranges::minmax(on_device);
      const auto [least_n, most_n] = std::ranges::minmax(on_node);
      return std::vector{most_d - least_d, most_n - least_n};
    };
    const auto count = up_to(60);
    CAPTURE(round, count, devices);
    CHECK(spread_of(placement_policy::round_robin, count)[0] <= 1);
    CHECK(spread_of(placement_policy::spread, count)[1] <= 1);
    // Full to the last place: pack has used each as far as it holds.
    const auto packed =
        places_of(placement_policy::pack, nodes, static_cast<int>(room));
    for (const auto& node : nodes)
      for (const auto& d : node.devices)
        CHECK(static_cast<std::size_t>(
                  std::ranges::count(packed, node.name + '/' + d.name))
              == d.capacity);
  }
}
