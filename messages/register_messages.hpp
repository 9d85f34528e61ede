#pragma once

#include <caf/fwd.hpp>

namespace posse {

/// Tells CAF about every message and how to print our errors. To be called in
/// the constructor of a program's own config, before there is a system:
///
///     struct config : caf::actor_system_config {
///       config() { posse::register_messages(*this); }
///     };
void register_messages(caf::actor_system_config& config);

} // namespace posse
