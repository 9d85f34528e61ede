#pragma once

#include "messages/inspection.hpp"
#include "messages/real64.hpp"

#include <cstdint>
#include <string>

/// What is asked of anyone at any time, and changes nothing.
namespace posse {

/// Anyone -> worker: how its particle cache does.
struct status_msg {};

template <class Inspector>
auto inspect(Inspector& f, status_msg&) {
  return f(caf::meta::type_name("status_msg"));
}

struct status_ack {
  std::string device;
  std::uint64_t capacity{0};  ///< Particles that may be resident.
  std::uint64_t resident{0};  ///< Particles that are.
  std::uint64_t hits{0};      ///< Operations that found theirs resident.
  std::uint64_t misses{0};    ///< Those that had to bring it in.
  std::uint64_t evictions{0}; ///< Particles written back to make room.
  std::uint64_t bytes_moved{0};
  real64 stall_seconds{0.0}; ///< Time operations waited for such moves.
};

template <class Inspector>
auto inspect(Inspector& f, status_ack& x) {
  return f(caf::meta::type_name("status_ack"), x.device, x.capacity, x.resident,
           x.hits, x.misses, x.evictions, x.bytes_moved, x.stall_seconds);
}

} // namespace posse
