#pragma once

#include "messages/inspection.hpp"
#include "messages/real64.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What is asked of anyone at any time, and changes nothing.
namespace posse {

/// To a device worker: what it holds and has done.
struct status_msg {};

template <class Inspector>
auto inspect(Inspector& f, status_msg&) {
  return f(caf::meta::type_name("status_msg"));
}

/// Counted since the worker started.
struct status_ack {
  std::string device;
  std::uint64_t lanes{0};     ///< Particles computed at once.
  std::uint64_t particles{0}; ///< That live on the device.
  std::uint64_t capacity{0};  ///< Those that may be resident.
  std::uint64_t resident{0};  ///< Those that are.
  std::uint64_t hits{0};      ///< Operations that found theirs resident.
  std::uint64_t misses{0};    ///< Those that had to bring it in.
  std::uint64_t evictions{0}; ///< Particles written back to make room.
  std::uint64_t bytes_moved{0};
  real64 stall_seconds{0.0};         ///< Time lanes spent on such moves.
  std::uint64_t disk_bytes_moved{0}; ///< To and from disk.
  std::uint64_t slots_given_up{0};   ///< For want of memory to compute in.
  std::uint64_t view_hits{0};        ///< Views of its particles that were kept.
  std::uint64_t view_copies{0};      ///< Those that had to be copied first.
  std::uint64_t view_bytes{0};       ///< Of these copies.
};

template <class Inspector>
auto inspect(Inspector& f, status_ack& x) {
  return f(caf::meta::type_name("status_ack"), x.device, x.lanes, x.particles,
           x.capacity, x.resident, x.hits, x.misses, x.evictions, x.bytes_moved,
           x.stall_seconds, x.disk_bytes_moved, x.slots_given_up, x.view_hits,
           x.view_copies, x.view_bytes);
}

/// To a node: the same of all its devices.
struct node_status_msg {};

template <class Inspector>
auto inspect(Inspector& f, node_status_msg&) {
  return f(caf::meta::type_name("node_status_msg"));
}

struct node_status_ack {
  std::string node;
  std::vector<status_ack> devices; ///< In the config's order.
};

template <class Inspector>
auto inspect(Inspector& f, node_status_ack& x) {
  return f(caf::meta::type_name("node_status_ack"), x.node, x.devices);
}

} // namespace posse
