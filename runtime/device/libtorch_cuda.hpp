#pragma once

#include "messages/failure.hpp"

#include <string>
#include <string_view>

namespace posse {

/// Loads LibTorch's CUDA library, which no program is linked with: one program
/// serves machines with and without a GPU. It has to happen before anything
/// asks LibTorch about CUDA, since LibTorch remembers the first answer. Works
/// once a process; further calls repeat the result. Thread-safe.
///
/// @returns the number of GPUs that LibTorch can use, > 0; or
///   errc::device_unavailable with one line that says what is missing.
expected<int> load_libtorch_cuda();

/// What to tell a user about a message of the dynamic linker or of LibTorch's
/// CUDA library: one line, without hints for LibTorch's developers.
std::string explain_cuda_failure(std::string_view message);

} // namespace posse
