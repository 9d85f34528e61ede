#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace posse {

/// Grey images and their classes, as stored.
struct labelled_images {
  std::int64_t count{0};
  std::int64_t height{0};
  std::int64_t width{0};
  std::vector<std::uint8_t> pixels; ///< [count, height, width], row by row
  std::vector<std::uint8_t> labels; ///< [count]
};

/// A training and a test set of images of one size.
struct idx_data {
  labelled_images train;
  labelled_images test;
  std::int64_t classes{0}; ///< the largest label + 1; at least 2
};

/// Reads the four files of an MNIST-like folder: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, and the same with `t10k`, each plain or as gzip
/// with the ending `.gz` (plain wins).
///
/// Format: big-endian int32 magic (2051 images, 2049 labels), count and, for
/// images, height and width; then unsigned bytes. Source: LeCun, Cortes and
/// Burges, "The MNIST database of handwritten digits".
///
/// @returns errc::invalid_data, `FILE: ...`, for a file that is missing, is
///   damaged as gzip, has another magic number, is shorter or longer than its
///   header says, or does not fit its partner in count or size.
[[nodiscard]] expected<idx_data> read_idx(const std::filesystem::path& folder);

/// The test images of such a folder alone, whose training files need not be
/// there. Errors as above.
[[nodiscard]] expected<labelled_images>
read_idx_test(const std::filesystem::path& folder);

} // namespace posse
