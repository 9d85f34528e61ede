#pragma once

#include "apps/posse/report/run_record.hpp"

#include <string>
#include <utility>
#include <vector>

/// What the report says in words and numbers. All texts are plain.
namespace posse::report {

/// The run's name, or that of its config.
std::string name_of(const run_record& run);

/// ("algorithm", "deep_ensemble"), ...: what the run was, as far as is known.
std::vector<std::pair<std::string, std::string>>
facts_of(const run_record& run);

/// One metric of the test rows. Members' columns are empty for one particle.
struct metric_row {
  std::string name;
  std::string ensemble;
  std::string mean_member;
  std::string best_member; ///< with its particle; empty where none is best
  std::string range;       ///< from the lowest to the highest member
};

/// In the order of result.json.
std::vector<metric_row> metrics_of(const nlohmann::ordered_json& result);

/// What went wrong or may mislead, in sentences: that the run has not finished,
/// and what its log warns of; a bounded number.
std::vector<std::string> warnings_of(const run_record& run);

} // namespace posse::report
