#include "runtime/placement/placement.hpp"

#include "runtime/core/registry.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace posse {

expected<placement_policy> parse_placement_policy(std::string_view name) {
  static const registry<placement_policy> policies{
      "placement",
      {{"round_robin", placement_policy::round_robin},
       {"pack", placement_policy::pack},
       {"spread", placement_policy::spread},
       {"explicit", placement_policy::listed}}};
  return policies.find(name).map([](const auto* found) { return *found; });
}

placement::placement(placement_policy policy, std::vector<placement_node> nodes)
    : policy_{policy}, nodes_{std::move(nodes)} {
  for (std::size_t n = 0; n < nodes_.size(); ++n)
    for (std::size_t d = 0; d < nodes_[n].devices.size(); ++d)
      devices_.push_back({{n, d}, nodes_[n].devices[d].capacity, 0});
}

expected<placement> placement::make(placement_policy policy,
                                    std::vector<placement_node> nodes,
                                    std::span<const std::string> places) {
  placement out{policy, std::move(nodes)};
  if (out.devices_.empty())
    return fail(errc::invalid_argument,
                "placement: expected at least one device, got none");
  if (policy != placement_policy::listed)
    return out;
  if (places.empty())
    return fail(errc::invalid_argument,
                "placement: expected at least one place, got none");
  for (const std::string_view place : places) {
    const auto slash = place.find('/');
    const bool named = slash != std::string_view::npos;
    auto at = named ? out.find(place.substr(0, slash), place.substr(slash + 1))
                    : out.find(out.nodes_.front().name, place);
    if (!at)
      return fail(std::move(at));
    out.listed_.push_back(*at);
  }
  return out;
}

device_place placement::next() const {
  switch (policy_) {
  case placement_policy::pack:
    return devices_[packed()].place;
  case placement_policy::spread:
    return devices_[spread()].place;
  case placement_policy::listed:
    return devices_[listed_[particles_ % listed_.size()]].place;
  case placement_policy::round_robin:
    break;
  }
  return devices_[particles_ % devices_.size()].place;
}

expected<void> placement::add(std::string_view node, std::string_view device) {
  auto at = find(node, device);
  if (!at)
    return fail(std::move(at));
  ++devices_[*at].particles;
  ++particles_;
  return {};
}

expected<std::size_t> placement::find(std::string_view node,
                                      std::string_view device) const {
  auto found = std::ranges::find_if(devices_, [&](const counted_device& d) {
    const auto& home = nodes_[d.place.node];
    return home.name == node && home.devices[d.place.device].name == device;
  });
  if (found == devices_.end())
    return fail(errc::device_unavailable, "node " + std::string{node}
                                              + " has no device \""
                                              + std::string{device} + "\"");
  return static_cast<std::size_t>(found - devices_.begin());
}

std::size_t placement::packed() const {
  auto has_room = [](const counted_device& d) {
    return d.particles < d.capacity;
  };
  auto best = std::ranges::find_if(devices_, has_room);
  if (best == devices_.end())
    best = std::ranges::min_element(devices_, {}, [](const counted_device& d) {
      return std::pair{d.capacity == 0, d.particles - d.capacity};
    });
  return static_cast<std::size_t>(best - devices_.begin());
}

std::size_t placement::spread() const {
  std::vector<std::size_t> on_node(nodes_.size());
  for (const auto& d : devices_)
    on_node[d.place.node] += d.particles;
  auto best = std::ranges::min_element(
      devices_, {}, [&on_node](const counted_device& d) {
        // A tie of two nodes is the first one's, whatever its devices hold.
        return std::tuple{on_node[d.place.node], d.place.node, d.particles};
      });
  return static_cast<std::size_t>(best - devices_.begin());
}

} // namespace posse
