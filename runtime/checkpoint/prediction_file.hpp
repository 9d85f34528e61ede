#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace posse {

/// Predictive distributions of rows whose target is a number, one entry a row
/// in every vector, in the data's own units. Vectors that say "empty" may be
/// empty, and are then no columns of the file.
struct regression_predictions {
  std::vector<std::int64_t> row; ///< 0-based, in the file the rows came from
  std::vector<double> target;    ///< empty where the file has no target
  std::vector<double> mean;
  std::vector<double> std;           ///< of the whole mixture, >= 0
  std::vector<double> aleatoric_std; ///< of the noise, >= 0; empty: unknown
  std::vector<double> epistemic_std; ///< of the members' means, >= 0
  std::vector<double> q05; ///< 5 % quantile of the mixture; empty: unknown
  std::vector<double> q50;
  std::vector<double> q95;
};

/// Predictive distributions of rows whose target is a class, one entry a row
/// in every vector.
struct classification_predictions {
  std::vector<std::int64_t> row;          ///< 0-based, as above
  std::vector<std::int64_t> target;       ///< classes; empty where unknown
  std::vector<std::int64_t> predicted;    ///< classes, from 0
  std::vector<double> entropy;            ///< of the mean, in nats
  std::vector<double> mutual_information; ///< of class and member, in nats
  std::size_t classes{0};
  std::vector<double> probabilities; ///< [rows, classes], row-major
};

/// `row,target,mean,std,aleatoric_std,epistemic_std,q05,q50,q95` and a line for
/// every row. Numbers are the shortest that read back to the same bits; `nan`,
/// `inf` and `-inf` else.
/// @returns errc::invalid_argument for vectors of unlike lengths.
expected<std::string>
format_predictions(const regression_predictions& predictions);

/// The same for `row,target,predicted,entropy,mutual_information,p0,p1,...`.
expected<std::string>
format_predictions(const classification_predictions& predictions);

/// Writes what format_predictions() gives as one whole.
/// @returns its failures; errc::io_error.
expected<void> write_predictions(const std::filesystem::path& path,
                                 const regression_predictions& predictions);
expected<void> write_predictions(const std::filesystem::path& path,
                                 const classification_predictions& predictions);

using prediction_table =
    std::variant<regression_predictions, classification_predictions>;

/// Reads what write_predictions() wrote; a column `predicted` makes it one of
/// classes. Every class is below `classes`, every number is finite, and what is
/// a deviation, an entropy or a probability is not negative.
/// @returns errc::invalid_data, in one line that begins with `FILE:`.
expected<prediction_table> read_predictions(const std::filesystem::path& path);

} // namespace posse
