#pragma once

#include "messages/batch_ref.hpp"
#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_encoding.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Some rows of a data set, as they are kept in memory. On the CPU.
struct data_rows {
  /// Encoded float32 [n, features]; or pixels uint8 [n, 1, height, width],
  /// which to_inputs() encodes when they are used.
  at::Tensor inputs;
  /// Standardised float32 [n, 1] (regression), or int64 [n] (classes).
  at::Tensor targets;
  /// Targets in original units, one per row; empty for classes.
  std::vector<double> original_targets;
  /// 0-based numbers of the rows in the file: of the data lines of a CSV file,
  /// of the images in the training or the test file.
  std::vector<std::uint32_t> numbers;

  std::int64_t size() const noexcept {
    return static_cast<std::int64_t>(numbers.size());
  }
};

/// A data set, divided and encoded. Immutable once it is loaded: all lanes of
/// a process share one.
struct data_set {
  data_encoding encoding;
  data_rows train; ///< what is left after taking out validation rows
  data_rows validation;
  data_rows test;

  const data_rows& part(data_part which) const noexcept;
};

/// Loads the data set that [data] describes.
///
/// Test rows are those of the split (idx: the test files); of the others
/// `validation_fraction` are drawn by `seed` for validation. With
/// `standardize`, means and deviations are those of all rows but the test rows,
/// validation rows included: so a run with and one without validation predict
/// in the same units. Without it, numbers are left as they are, and pixels are
/// divided by 255.
///
/// @param validation_fraction In [0, 1).
/// @returns errc::invalid_config for a `kind` that is not known or a `splits`
///   for idx; errc::invalid_data, in one line, for anything wrong with a file.
[[nodiscard]] expected<data_set> load_data_set(const data_section& section,
                                               double validation_fraction,
                                               std::uint64_t seed);

} // namespace posse
