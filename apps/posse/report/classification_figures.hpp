#pragma once

#include "apps/posse/report/block.hpp"
#include "runtime/checkpoint/prediction_file.hpp"

#include <vector>

namespace posse::report {

/// Reliability diagram, accuracy of the rows that are kept, and histograms of
/// entropy and mutual information of right and wrong predictions. A single
/// particle has no mutual information.
/// @param x At least one row, with targets.
std::vector<block> classification_figures(const classification_predictions& x);

} // namespace posse::report
