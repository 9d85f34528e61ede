#pragma once

#include "messages/hello.hpp"
#include "messages/inspection.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/detail/stringification_inspector.hpp>

#include <cstdint>
#include <string>
#include <type_traits>

/// What is said to a node's gate, the one actor that strangers can reach.
namespace posse {

template <class Inspector>
auto inspect(Inspector& f, hello& x) {
  constexpr bool for_logs =
      std::is_base_of_v<caf::detail::stringification_inspector, Inspector>;
  if constexpr (for_logs) // without the secret
    return f(caf::meta::type_name("hello"), x.magic, x.protocol, x.build, x.cpu,
             x.cluster, x.node, x.incarnation);
  else
    return f(caf::meta::type_name("hello"), x.magic, x.protocol, x.build, x.cpu,
             x.cluster, x.node, x.incarnation, x.secret);
}

/// Driver -> gate: let me use this node for a run.
struct attach_msg {
  hello from;
  std::string driver;          ///< Who it is, for others that are refused.
  caf::strong_actor_ptr alive; ///< When it ends, the run is over.
};

template <class Inspector>
auto inspect(Inspector& f, attach_msg& x) {
  return f(caf::meta::type_name("attach_msg"), x.from, x.driver, x.alive);
}

/// errc::refused instead: the hello does not fit, or another driver uses the
/// node.
struct attach_ack {
  std::uint64_t incarnation{0};
  caf::strong_actor_ptr node; ///< The node event loop that serves the run.
};

template <class Inspector>
auto inspect(Inspector& f, attach_ack& x) {
  return f(caf::meta::type_name("attach_ack"), x.incarnation, x.node);
}

/// `posse node stop` -> gate: end the daemon.
struct node_stop_msg {
  hello from;
};

template <class Inspector>
auto inspect(Inspector& f, node_stop_msg& x) {
  return f(caf::meta::type_name("node_stop_msg"), x.from);
}

/// The daemon ends now. errc::refused instead.
struct node_stop_ack {
  std::string node;
};

template <class Inspector>
auto inspect(Inspector& f, node_stop_ack& x) {
  return f(caf::meta::type_name("node_stop_ack"), x.node);
}

} // namespace posse
