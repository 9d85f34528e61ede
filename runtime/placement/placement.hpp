#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Which device the next particle of a run gets.
enum class placement_policy : std::uint8_t {
  round_robin, ///< every device of every node in turn
  pack,        ///< a device until it is full, then the next
  spread,      ///< of the node with the fewest, the device with the fewest
  listed,      ///< the one that the config names: `explicit`
};

/// @returns errc::unknown_name for what `run.placement` does not take.
expected<placement_policy> parse_placement_policy(std::string_view name);

/// A device as far as placing goes.
struct placement_device {
  std::string name;        ///< "cpu:0"
  std::size_t capacity{1}; ///< particles with which it is full, for `pack`
};

struct placement_node {
  std::string name;
  std::vector<placement_device> devices;
};

/// One device of a run: numbers in the order of the config.
struct device_place {
  std::size_t node{0};
  std::size_t device{0};

  friend bool operator==(const device_place&, const device_place&) = default;
};

/// Decides where each particle of a run goes, in the order in which they are
/// made. What a particle becomes does not depend on it; how fast does.
///
/// The order of nodes and devices is the config's, and decides ties. `pack`
/// does not look for the fewest devices that could do: it takes them in that
/// order, so that the user chooses which are used. Once all are full, the one
/// that is least above its capacity is next, which is all of them in turn;
/// devices that hold no particle at all are used by nobody unless all are
/// such. `explicit` starts over at the end of its list.
class placement {
public:
  /// @param nodes Of the run; at least one device among them.
  /// @param places For `listed`: "NODE/DEVICE", or "DEVICE" of the first node;
  ///   at least one. Not read otherwise.
  /// @returns errc::invalid_argument if there is no device, or no place for
  ///   `listed`; errc::device_unavailable for a place that no node has.
  static expected<placement> make(placement_policy policy,
                                  std::vector<placement_node> nodes,
                                  std::span<const std::string> places = {});

  /// Where the next particle goes; asking changes nothing.
  device_place next() const;

  /// Counts a particle that has been made on that device, by next() or not.
  ///
  /// @returns errc::device_unavailable if there is no such device.
  expected<void> add(std::string_view node, std::string_view device);

private:
  struct counted_device {
    device_place place;
    std::size_t capacity{0};
    std::size_t particles{0};
  };

  placement(placement_policy policy, std::vector<placement_node> nodes);

  expected<std::size_t> find(std::string_view node,
                             std::string_view device) const;
  std::size_t packed() const;
  std::size_t spread() const;

  placement_policy policy_;
  std::vector<placement_node> nodes_;
  std::vector<counted_device> devices_; ///< of all nodes, node by node
  std::vector<std::size_t> listed_;     ///< into devices_
  std::size_t particles_{0};
};

} // namespace posse
