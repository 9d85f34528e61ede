#pragma once

#include "messages/failure.hpp"
#include "runtime/data/standardize.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

enum class task_kind : std::uint8_t { regression, classification };

/// How rows of a file become a model's inputs, and its outputs become original
/// units again: all that a new process needs to predict without the training
/// data. Plain data; a checkpoint stores it as JSON.
struct data_encoding {
  task_kind task{task_kind::regression};
  /// Shape of one input: {features}, or {1, height, width} for images.
  std::vector<std::int64_t> input_shape;
  /// Targets of a regression (1), or classes.
  std::int64_t outputs{1};
  /// One name per input element, in the model's order.
  std::vector<std::string> features;
  std::string target;
  /// One per feature; or a single one for all of them (pixels, 0 to 255).
  std::vector<scaling> inputs;
  /// Of the target of a regression; identity for classes.
  scaling output;

  const scaling& input(std::size_t feature) const {
    return inputs[inputs.size() == 1 ? 0 : feature];
  }

  friend bool operator==(const data_encoding&, const data_encoding&) = default;
};

/// The encoding as JSON text; numbers come back bit for bit.
///
/// @returns errc::backend_error if a name is not UTF-8 (read_csv() lets no
///   such name through).
[[nodiscard]] expected<std::string> to_json(const data_encoding& encoding);

/// @param text What to_json() gave, from a file that may be damaged.
/// @returns errc::malformed, naming the key, for anything else.
[[nodiscard]] expected<data_encoding> encoding_from_json(std::string_view text);

/// Rows of a file, ready for a model.
struct encoded_rows {
  at::Tensor inputs; ///< float32 [n, input_shape...], on the CPU
  /// In original units (or class numbers), one per row; if the file has them.
  std::optional<std::vector<double>> targets;
};

/// Reads and encodes the rows of a CSV file by the training data's encoding; or
/// the test images of a folder as read_idx() takes it.
///
/// A file's columns must be the features, found by name in any order; the
/// target's column may be there too. Images must have the training data's size;
/// their labels are the targets, whatever classes there were in training.
/// @returns errc::invalid_data for what read_csv() or read_idx() refuses, for
///   columns that are missing or unknown (all are named), for images of another
///   size, and for a value that does not fit a float32 when encoded.
[[nodiscard]] expected<encoded_rows>
encode_rows(const data_encoding& encoding, const std::filesystem::path& path);

} // namespace posse
