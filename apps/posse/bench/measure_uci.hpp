#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace posse::bench {

/// `posse bench uci`: algorithms over the published splits of data sets.
struct uci_options {
  /// A folder with a folder for each data set, of data.csv and splits.csv: the
  /// test rows of each split, as data.splits takes them.
  std::filesystem::path folder;
  std::vector<std::string> sets;       ///< folders; none: all
  std::vector<std::string> algorithms; ///< as infer.algorithm takes them
  std::int64_t splits{0};              ///< the first so many; 0: all
  std::vector<std::string> changes;    ///< KEY=VALUE for every run
  std::size_t jobs{1};                 ///< runs at a time, > 0
};

/// What one run said of its test rows; the metrics' names are those of
/// result.json.
struct uci_run {
  std::string set;
  std::string algorithm;
  std::int64_t split{0};
  std::vector<std::pair<std::string, double>> metrics{};
  double seconds{0}; ///< of the whole run
};

/// Trains and measures all, each in a process of its own with one lane.
/// @returns in the order of sets, algorithms and splits;
///   errc::invalid_argument for a folder without data sets, or a set, split or
///   setting that does not exist; what a run fails with, said of which run;
///   errc::cancelled after a SIGINT or SIGTERM.
expected<std::vector<uci_run>> measure_uci(const uci_options& options);

} // namespace posse::bench
