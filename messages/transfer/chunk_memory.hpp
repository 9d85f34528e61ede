#pragma once

#include "messages/transfer/shared_bytes.hpp"

#include <cstddef>
#include <span>

namespace posse {

/// A copy of a chunk's bytes, for its way from the network to its payload.
///
/// Chunks live briefly and come in thousands: large ones reuse each other's
/// memory, which an allocator would give back to the system and pay for again
/// in page faults. What is kept for that is bounded. Thread-safe.
///
/// @param bytes At most max_chunk_bytes.
shared_bytes copy_chunk(std::span<const std::byte> bytes);

} // namespace posse
