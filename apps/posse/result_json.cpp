#include "apps/posse/result_json.hpp"

#include "messages/version.hpp"
#include "runtime/checkpoint/result_file.hpp"

#include <algorithm>
#include <set>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

json to_object(const metric_list& metrics) {
  auto out = json::object();
  for (const auto& each : metrics)
    out[each.name] = each.value;
  return out;
}

/// @param metrics Of the particles that predict.
json members_of(const std::vector<member_state>& states,
                const std::vector<metric_list>& metrics) {
  auto out = json::array();
  auto next = metrics.begin();
  for (const auto& each : states) {
    json member{{"pid", each.pid.number},
                {"status", each.diverged ? "diverged" : "ok"}};
    if (each.diverged)
      member["why"] = *each.diverged;
    else
      member["metrics"] = to_object(*next++);
    out.push_back(std::move(member));
  }
  return out;
}

json diversity_of(const member_diversity& x) {
  auto out = to_object(x.figures);
  out["collapsed"] = x.collapsed;
  return out;
}

/// Those of the metrics that tell what calibration changes, in their order.
json scores_of(const metric_list& metrics) {
  static const std::set<std::string> told{
      "nll",  "ece",         "brier",        "ece_equal_mass",
      "crps", "coverage_90", "sharpness_90", "interval_score_90"};
  auto out = json::object();
  for (const auto& each : metrics)
    if (told.contains(each.name))
      out[each.name] = each.value;
  return out;
}

/// @param before Of the ensemble as it is.
json calibrated_of(const regression_calibration& x, const metric_list& before) {
  json out{{"validation_rows", x.validation_rows}};
  if (x.deviations) {
    out["deviation_scale"] = x.deviations->factor;
    out["before"] = scores_of(before);
    out["after"] = scores_of(to_list(x.deviations->after));
  }
  out["conformal"] = {{"coverage_90", x.intervals.coverage},
                      {"width_90", x.intervals.size}};
  return out;
}

json calibrated_of(const classification_calibration& x,
                   const metric_list& before) {
  return {{"validation_rows", x.validation_rows},
          {"temperature", x.temperature},
          {"before", scores_of(before)},
          {"after", scores_of(to_list(x.after))},
          {"conformal",
           {{"coverage_90", x.sets.coverage}, {"classes_90", x.sets.size}}}};
}

json caches_of(const std::vector<device_report>& devices) {
  auto out = json::array();
  for (const auto& d : devices)
    out.push_back({{"node", d.node},
                   {"device", d.device},
                   {"capacity", d.capacity},
                   {"hits", d.hits},
                   {"misses", d.misses},
                   {"evictions", d.evictions},
                   {"bytes_moved", d.bytes_moved},
                   {"stall_seconds", d.stall_seconds},
                   {"disk_bytes_moved", d.disk_bytes_moved},
                   {"slots_given_up", d.slots_given_up}});
  return out;
}

json timing_of(const run_timing& timing, std::int64_t particle_steps) {
  const auto steps =
      static_cast<double>(std::max<std::int64_t>(particle_steps, 1));
  return {{"wall_seconds", timing.wall_seconds},
          {"train_seconds", timing.train_seconds},
          {"particle_steps", particle_steps},
          {"us_per_particle_step", timing.train_seconds * 1e6 / steps}};
}

} // namespace

json to_json(const run_result& x) {
  std::uint64_t lanes = 0;
  std::set<std::string> nodes;
  for (const auto& d : x.devices) {
    lanes += d.lanes;
    nodes.insert(d.node);
  }
  json out{{"schema", result_schema},
           {"version", version},
           {"name", x.config.run.name},
           {"algorithm", x.config.infer.algorithm},
           {"particles", x.members.size()},
           {"seed", x.config.run.seed},
           {"data",
            {{"train_rows", x.data.train.size() + x.data.validation.size()},
             {"test_rows", x.data.test.size()}}},
           {"metrics", {{"test", to_object(x.metrics.ensemble)}}},
           {"members", members_of(x.members, x.metrics.members)}};
  if (x.metrics.diversity)
    out["diversity"] = diversity_of(*x.metrics.diversity);
  if (x.calibrated)
    out["calibrated"] = std::visit(
        [&x](const auto& c) { return calibrated_of(c, x.metrics.ensemble); },
        *x.calibrated);
  out.update({
      {"timing", timing_of(x.timing, x.state.particle_steps)},
      {"execution", {{"mode", x.fused ? "fused" : "lanes"}, {"lanes", lanes}}},
      {"caches", caches_of(x.devices)},
      {"cluster",
       {{"nodes", nodes.size()},
        {"devices", x.devices.size()},
        {"lost_nodes", 0},
        {"recovered_particles", 0}}},
      {"parameters_sha256", x.state.parameters_sha256},
      {"state_sha256", x.state.state_sha256},
  });
  if (x.chains)
    out["chains"] = to_json(*x.chains);
  if (!x.sampler.empty())
    out["sampler"] = x.sampler;
  if (!x.laplace.empty())
    out["laplace"] = x.laplace;
  if (!x.diagnostics.is_null())
    out["diagnostics"] = x.diagnostics;
  return out;
}

} // namespace posse
