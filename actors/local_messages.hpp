#pragma once

#include "messages/batch_ref.hpp"
#include "messages/particle_id.hpp"
#include "runtime/compute/seated_module.hpp"
#include "runtime/store/particle_view.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <optional>

/// What particles ask the device workers of their own node: these share memory
/// and carry functions, so that none of it leaves the process.
namespace posse {

/// A particle's tensors at its latest version (get).
struct local_get_msg {
  particle_id pid;
};

struct local_get_ack {
  view_ptr view; ///< not null
};

/// Run a function on the particle's module (with_module).
struct module_msg {
  particle_id pid;
  module_function function;
  std::optional<batch_ref> batch; ///< that the function wants
};

struct module_ack {
  value result;
};

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::local_get_msg)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::local_get_ack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::module_msg)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::module_ack)
