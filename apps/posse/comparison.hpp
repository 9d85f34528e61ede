#pragma once

#include "apps/posse/posterior_answer.hpp"
#include "messages/failure.hpp"
#include "runtime/posterior/metric.hpp"

namespace posse {

/// How far a posterior's predictions are from a reference's, on the same rows.
///
/// Of classes: agreement and total_variation (Izmailov et al., ICML 2021,
/// section 6.1). Of a regression: total_variation between the mixtures at each
/// row, averaged; mean_difference, the root mean square of the difference of
/// means over the reference's standard deviation; and std_ratio, the geometric
/// mean of the standard deviations' ratio, below 1 where the reference is
/// wider.
///
/// @returns errc::invalid_argument for answers that are not of the same rows
///   and kind, or without variances.
expected<metric_list> compare(const posterior_answer& answer,
                              const posterior_answer& reference);

} // namespace posse
