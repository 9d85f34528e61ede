#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <string>

namespace posse {

/// A request for an actor of another node, on its way to this node's courier.
template <class Msg>
struct parcel {
  std::string node; ///< whose actor it is for
  caf::strong_actor_ptr to;
  Msg msg;
};

} // namespace posse

// Never leaves the process, so CAF need not know how to write it.
template <class Msg>
struct caf::allowed_unsafe_message_type<posse::parcel<Msg>> : std::true_type {};
