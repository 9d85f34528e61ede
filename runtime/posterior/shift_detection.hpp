#pragma once

#include "messages/failure.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/metric.hpp"
#include "runtime/posterior/regression_predictive.hpp"

namespace posse {

/// Whether networks are less sure of rows from another distribution than of
/// rows from their own: a score for each uncertainty that they have.

/// The AUROC with which the predictive's entropy tells the rows of `shifted`
/// (positives: the more uncertain) from those of `own` (Hendrycks and Gimpel,
/// ICLR 2017; by entropy: Lakshminarayanan et al., NeurIPS 2017, section 3.5),
/// as `entropy`; and of the mutual information (Malinin and Gales, NeurIPS
/// 2018), as `mutual_information`, where there is any: one network has none,
/// but for rounding.
///
/// @param several Whether the predictives are of more than one network.
/// @returns errc::invalid_argument, errc::non_finite of auroc().
expected<metric_list> detect_shift(const classification_predictive& own,
                                   const classification_predictive& shifted,
                                   bool several);

/// The same of the predictive's standard deviation, as `std`, but for a point
/// head; and of its epistemic part, as `epistemic_std`, of several networks.
/// Variances give the same numbers: only the order counts. May be empty.
/// @returns also errc::invalid_argument if one predictive has variances and the
///   other none.
expected<metric_list> detect_shift(const regression_predictive& own,
                                   const regression_predictive& shifted,
                                   bool several);

} // namespace posse
