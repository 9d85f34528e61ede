#pragma once

#include "messages/failure.hpp"
#include "runtime/data/table.hpp"

#include <filesystem>

namespace posse {

/// Reads a regression from the arrays `x.npy` [n, features] and `y.npy` [n] or
/// [n, 1] of a folder, as columns `x0`, `x1`, ... and last `y`.
///
/// Format: NumPy's .npy 1.0 and 2.0 (numpy.lib.format), little-endian float32
/// or float64 in C order.
///
/// @returns errc::invalid_data, `FILE: ...`, for a file that is missing, is no
///   such array, is shorter or longer than its header says, has another number
///   of rows than its partner, or holds NaN or infinity.
[[nodiscard]] expected<table> read_npy(const std::filesystem::path& folder);

} // namespace posse
