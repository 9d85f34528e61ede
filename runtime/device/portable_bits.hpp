#pragma once

#include "messages/failure.hpp"

#include <string>

namespace posse {

/// The instruction set that LibTorch's own kernels use in this process:
/// "AVX512", "AVX2", "DEFAULT", ... Two processes with unlike answers may
/// differ in last bits. Settles the choice: call pin_portable_bits() before.
std::string cpu_capability();

/// Pins LibTorch, oneDNN and MKL to AVX2, so that unlike x86-64 processors give
/// equal bits (`run.portable_bits`). They read their environment variables at
/// their first use and never again: call it at the start of main(), with one
/// thread running. Free for small perceptrons; a LeNet step takes 40 % longer
/// on a processor with AVX-512.
///
/// @returns errc::device_unavailable if this processor has no AVX2, or if
///   LibTorch had chosen another instruction set already.
expected<void> pin_portable_bits();

} // namespace posse
