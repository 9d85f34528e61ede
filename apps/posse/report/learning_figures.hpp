#pragma once

#include "apps/posse/report/block.hpp"
#include "apps/posse/report/run_record.hpp"

#include <vector>

namespace posse::report {

/// The training loss, and the validation score if it was measured, of each
/// particle against the step; of many particles their middle and spread.
std::vector<block> learning_figures(const run_record& run);

} // namespace posse::report
