#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"

#include <string>
#include <vector>

namespace posse {

/// What everybody says of a node that is gone.
///
/// @param address host:port. @param particles Those that lived there.
/// @param how It was noticed.
/// @returns errc::node_lost.
failure node_loss(const std::string& node, const std::string& address,
                  const std::vector<particle_id>& particles,
                  const std::string& how = "its process ended or was silent "
                                           "for too long");

} // namespace posse
