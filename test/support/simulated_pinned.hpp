#pragma once

#include <c10/core/Allocator.h>

namespace posse::test {

/// Host memory that says of itself that it is pinned, as is_pinned() asks;
/// otherwise the CPU's. Never destroyed.
c10::Allocator& pinned_allocator();
/// @param address As pinned_allocator() gave it.
bool is_pinned(const void* address);

} // namespace posse::test
