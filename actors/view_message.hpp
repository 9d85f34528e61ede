#pragma once

#include "messages/failure.hpp"
#include "messages/particle_messages.hpp"
#include "runtime/store/particle_view.hpp"

namespace posse {

/// A view as it travels; shares its tensors.
receive_get_ack to_ack(const view_tensors& view);

/// Writes a view's tensors into an answer that says no more than `unchanged`.
void fill(receive_get_ack& ack, const view_tensors& view);

/// The inverse.
/// @returns errc::malformed if a buffer is no tensor.
expected<view_ptr> to_view(const receive_get_ack& ack);

} // namespace posse
