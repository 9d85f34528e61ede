#pragma once

#include "apps/posse/posterior_answer.hpp"
#include "messages/failure.hpp"
#include "runtime/posterior/metric.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// How well uncertainty tells rows from elsewhere from a run's test rows: the
/// AUROC of each score that detect_shift() has.
struct shift_report {
  std::int64_t test_rows{0};
  std::int64_t shifted_rows{0};
  metric_list ensemble;
  std::vector<metric_list> members; ///< of each particle, in pid order
};

/// @param test, shifted Of the same particles.
/// @returns errc::invalid_argument if they have no uncertainty, as one network
///   of a point head; errors of detect_shift().
expected<shift_report> report_shift(const posterior_answer& test,
                                    const posterior_answer& shifted);

/// test_rows, shifted_rows, `ensemble` and `members` with their scores, and of
/// more than one particle `above_every_member`: for each score of the members
/// whether the ensemble's is above all of theirs.
nlohmann::ordered_json to_json(const shift_report& x);

/// The same as a table for people; ends with a newline.
std::string shift_table(const shift_report& x);

} // namespace posse
