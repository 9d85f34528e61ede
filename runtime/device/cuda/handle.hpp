#pragma once

#include <memory>

namespace posse::cuda {

/// Owns something of the CUDA runtime's; the deleter knows of which kind.
using handle = std::unique_ptr<void, void (*)(void*)>;

} // namespace posse::cuda
