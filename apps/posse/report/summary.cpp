#include "apps/posse/report/summary.hpp"

#include "apps/posse/report/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace posse::report {

namespace {

using json = nlohmann::ordered_json;

std::string number_text(double x) {
  const auto size = std::abs(x);
  return size >= 1e5 || (size > 0 && size < 0.01) ? fmt::format("{:.3g}", x)
                                                  : fmt::format("{:.4f}", x);
}

std::string number_text(const std::optional<double>& x) {
  return x ? number_text(*x) : "not finite";
}

std::string duration_text(double seconds) {
  if (seconds < 120)
    return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  return whole < 7200
             ? fmt::format("{} min {} s", whole / 60, whole % 60)
             : fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

/// Which values are good.
enum class aim : std::uint8_t { low, high, nine_tenths, none };

struct known_metric {
  std::string_view key;
  std::string_view name;
  aim good;
};

constexpr known_metric known_metrics[]{
    {"rmse", "RMSE", aim::low},
    {"nll", "NLL of the mixture, nats", aim::low},
    {"nll_moment", "NLL of one Gaussian, nats", aim::low},
    {"crps", "CRPS of the mixture", aim::low},
    {"crps_moment", "CRPS of one Gaussian", aim::low},
    {"coverage_90", "90 % coverage", aim::nine_tenths},
    {"mae", "MAE", aim::low},
    {"sharpness_90", "Mean width of the 90 % interval", aim::none},
    {"interval_score_90", "Interval score at 90 %", aim::low},
    {"accuracy", "Accuracy", aim::high},
    {"ece", "ECE, 15 bins", aim::low},
    {"brier", "Brier score", aim::low},
    {"max_calibration_error", "Largest gap of a bin", aim::low},
};

/// Lower is better.
double badness(aim good, double x) {
  return good == aim::high          ? -x
         : good == aim::nine_tenths ? std::abs(x - 0.9)
                                    : x;
}

struct member_value {
  std::int64_t pid;
  double value;
};

std::vector<member_value> members_at(const json& members,
                                     const std::string& key) {
  std::vector<member_value> out;
  for (const auto& member : members) {
    if (!member.is_object() || !member.contains("metrics")
        || !member["metrics"].is_object())
      continue;
    if (const auto x = number_at(member["metrics"], key))
      out.push_back({integer_at(member, "pid"), *x});
  }
  return out;
}

metric_row row_of(const std::string& key, const std::optional<double>& ensemble,
                  const json& members) {
  const auto* known = std::ranges::find(known_metrics, key, &known_metric::key);
  const bool is_known = known != std::ranges::end(known_metrics);
  const auto good = is_known ? known->good : aim::none;
  metric_row out;
  out.name = is_known ? std::string{known->name} : key;
  out.ensemble = number_text(ensemble);
  const auto values = members_at(members, key);
  if (values.size() < 2)
    return out;
  double sum = 0;
  for (const auto& each : values)
    sum += each.value;
  out.mean_member = number_text(sum / static_cast<double>(values.size()));
  const auto [low, high] =
      std::ranges::minmax(values, {}, &member_value::value);
  out.range = number_text(low.value) + " to " + number_text(high.value);
  if (good == aim::none)
    return out;
  const auto best = std::ranges::min(
      values, {}, [good](const auto& x) { return badness(good, x.value); });
  out.best_member =
      fmt::format("{} (particle {})", number_text(best.value), best.pid);
  return out;
}

// -- facts
// ---------------------------------------------------------------------

using fact_list = std::vector<std::pair<std::string, std::string>>;

void add(fact_list& out, std::string name, std::string text) {
  if (!text.empty())
    out.emplace_back(std::move(name), std::move(text));
}

std::string data_text(const settings_list& settings) {
  const std::filesystem::path path{find_setting(settings, "data.path")};
  // "images/" ends in no name.
  auto out = path.has_filename() ? path.filename().string()
                                 : path.parent_path().filename().string();
  const auto split = find_setting(settings, "data.split");
  if (!out.empty() && !split.empty())
    out += ", split " + split;
  return out;
}

std::string network_text(const settings_list& settings) {
  auto out = find_setting(settings, "model.kind");
  const auto hidden = find_setting(settings, "model.hidden");
  const auto head = find_setting(settings, "model.head");
  if (out == "mlp" && !hidden.empty())
    out += ", hidden layers " + hidden;
  if (!head.empty())
    out += ", " + head + " head";
  return out;
}

std::string training_text(const settings_list& settings) {
  auto amount = find_setting(settings, "infer.steps");
  if (!amount.empty())
    amount += " steps";
  else if (amount = find_setting(settings, "infer.epochs"); !amount.empty())
    amount += " epochs";
  auto out = amount;
  for (const auto& [key, what] :
       {std::pair{"infer.batch", " rows a batch"},
        std::pair{"infer.optimizer", ""}, std::pair{"infer.loss", " loss"}})
    if (const auto text = find_setting(settings, key); !text.empty())
      out += (out.empty() ? "" : ", ") + text + what;
  return out;
}

void add_result(fact_list& out, const json& result) {
  const auto& data = result["data"];
  add(out, "Rows",
      fmt::format("{} for training, {} for the test",
                  integer_at(data, "train_rows"),
                  integer_at(data, "test_rows")));
  const auto& timing = result["timing"];
  add(out, "Time",
      fmt::format("{}, {} of them training: {} particle-steps of {:.1f} µs",
                  duration_text(number_at(timing, "wall_seconds").value_or(0)),
                  duration_text(number_at(timing, "train_seconds").value_or(0)),
                  integer_at(timing, "particle_steps"),
                  number_at(timing, "us_per_particle_step").value_or(0)));
  const auto cluster = result.value("cluster", json::object());
  const auto execution = result.value("execution", json::object());
  if (cluster.is_object() && execution.is_object())
    add(out, "Where",
        fmt::format("nodes: {}, devices: {}, lanes: {}, {}",
                    integer_at(cluster, "nodes"),
                    integer_at(cluster, "devices"),
                    integer_at(execution, "lanes"),
                    text_at(execution, "mode") == "fused"
                        ? "particles computed together"
                        : "particles computed one by one"));
  add(out, "Version", "posse " + text_at(result, "version"));
  add(out, "Parameters",
      "sha256 " + text_at(result, "parameters_sha256").substr(0, 16) + "…");
}

// -- warnings
// ------------------------------------------------------------------

constexpr std::size_t most_warnings = 20;

std::string sentence_of(const logged_event& x) {
  if (x.event == "collapsed")
    return "The particles collapsed: at the last step half of all pairs sat on "
           "one spot; try a fixed infer.bandwidth.";
  if (x.event == "slots_given_up")
    return fmt::format("{} of node {} ran out of memory and gave up {} of its "
                       "slots for particles.",
                       text_at(x.fields, "device"), text_at(x.fields, "node"),
                       integer_at(x.fields, "given_up"));
  if (x.event == "learning_lost")
    return "The learning curves of the time before the resume are lost: "
           + text_at(x.fields, "why");
  auto fields = x.fields;
  for (const auto* key : {"time", "level", "event"})
    fields.erase(key);
  auto text = x.event;
  if (!fields.empty())
    text += ": " + fields.dump(-1, ' ', false, json::error_handler_t::replace);
  return text;
}

std::string unfinished_text(const std::vector<logged_event>& events) {
  const std::string start = "This run has not finished: ";
  const auto last = events.empty() ? std::string{} : events.back().event;
  if (last == "interrupted")
    return start
           + fmt::format("it was interrupted at step {} and can be resumed.",
                         integer_at(events.back().fields, "step"));
  if (last == "failed")
    return start + "it failed: " + text_at(events.back().fields, "why");
  return start + "it is still going on, or was killed.";
}

} // namespace

std::string name_of(const run_record& run) {
  auto out = run.result ? text_at(*run.result, "name") : std::string{};
  if (out.empty())
    out = find_setting(run.settings, "run.name");
  return out.empty() ? "run" : out;
}

fact_list facts_of(const run_record& run) {
  fact_list out;
  add(out, "Algorithm", find_setting(run.settings, "infer.algorithm"));
  add(out, "Particles", find_setting(run.settings, "infer.particles"));
  add(out, "Seed", find_setting(run.settings, "run.seed"));
  add(out, "Data", data_text(run.settings));
  add(out, "Network", network_text(run.settings));
  add(out, "Training", training_text(run.settings));
  if (run.result)
    add_result(out, *run.result);
  return out;
}

std::vector<metric_row> metrics_of(const json& result) {
  std::vector<metric_row> out;
  const auto& test = result["metrics"]["test"];
  for (const auto& [key, x] : test.items())
    out.push_back(row_of(key, number_at(test, key), result["members"]));
  return out;
}

std::vector<std::string> warnings_of(const run_record& run) {
  std::vector<std::string> out;
  if (!run.result)
    out.push_back(unfinished_text(run.events));
  std::size_t left_out = 0;
  for (const auto& each : run.events) {
    // What ended the run is said above.
    const bool is_end = each.event == "interrupted" || each.event == "failed";
    if (each.level != "warning" && each.level != "error")
      continue;
    if (is_end && !run.result)
      continue;
    if (out.size() < most_warnings)
      out.push_back(sentence_of(each));
    else
      ++left_out;
  }
  if (left_out > 0)
    out.push_back(fmt::format("… and {} more in log.jsonl.", left_out));
  return out;
}

} // namespace posse::report
