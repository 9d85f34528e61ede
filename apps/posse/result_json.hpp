#pragma once

#include "actors/push_distribution.hpp"
#include "apps/posse/answering_members.hpp"
#include "apps/posse/chain_summary.hpp"
#include "apps/posse/checkpoint_io.hpp"
#include "apps/posse/posterior_answer.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

namespace posse {

struct run_timing {
  double wall_seconds{0};  ///< of the processes that took part, summed
  double train_seconds{0}; ///< of that, with particles training
};

/// All that a result is made of.
struct run_result {
  const run_config& config;
  const data_set& data;
  const test_metrics& metrics;
  const std::optional<answer_calibration>& calibrated;
  const std::optional<chain_summary>& chains; ///< where particles are chains
  const std::vector<member_state>& members;   ///< of all particles, by pid
  const saved_state& state;
  const std::vector<device_report>& devices;
  run_timing timing;
  bool fused{false}; ///< particles computed in groups, or one in parts
  /// What the algorithm says of the last step, an object; null: nothing.
  const nlohmann::ordered_json& diagnostics;
  /// See sampler_parts::summary().
  const nlohmann::ordered_json& sampler;
  /// Of each particle that was fitted {pid, prior_precision, log_evidence}.
  const nlohmann::ordered_json& laplace;
};

/// What `result.json` says.
nlohmann::ordered_json to_json(const run_result& x);

} // namespace posse
