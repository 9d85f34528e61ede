#pragma once

#include "apps/posse/bench/measure_uci.hpp"

#include <span>
#include <string>

namespace posse::bench {

/// A table in Markdown for each data set: mean and standard error over the
/// splits, a row an algorithm. @param runs As measure_uci() gives them.
std::string to_markdown(std::span<const uci_run> runs);

/// One line a run, below a header line.
std::string to_csv(std::span<const uci_run> runs);

} // namespace posse::bench
