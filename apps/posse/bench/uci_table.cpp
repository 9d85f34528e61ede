#include "apps/posse/bench/uci_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace posse::bench {

namespace {

/// What the columns are called, of those that the runs have.
const std::vector<std::pair<std::string, std::string>> columns{
    {"rmse", "RMSE"},
    {"nll", "NLL"},
    {"nll_moment", "moment NLL"},
    {"crps", "CRPS"},
    {"coverage_90", "90 % coverage"}};

const double* find_metric(const uci_run& run, const std::string& key) {
  const auto found = std::ranges::find_if(
      run.metrics, [&](const auto& each) { return each.first == key; });
  return found == run.metrics.end() ? nullptr : &found->second;
}

/// Mean and standard error, sd / sqrt(n), to two digits of the latter.
std::string summary(const std::vector<double>& xs) {
  const auto n = static_cast<double>(xs.size());
  double mean = 0;
  for (const auto x : xs)
    mean += x / n;
  double squares = 0;
  for (const auto x : xs)
    squares += (x - mean) * (x - mean);
  if (xs.size() < 2)
    return fmt::format("{:.4g}", mean);
  const auto error = std::sqrt(squares / (n - 1) / n);
  const auto places =
      error > 0 ? std::clamp(
          1 - static_cast<int>(std::floor(std::log10(error))), 0, 9)
                : 4;
  return fmt::format("{:.{}f} ± {:.{}f}", mean, places, error, places);
}

/// The line of one algorithm on one set. @param runs Its splits, at least one.
std::string line_of(std::span<const uci_run> runs) {
  std::string out = fmt::format("| {} |", runs.front().algorithm);
  for (const auto& [key, title] : columns) {
    std::vector<double> values;
    for (const auto& run : runs)
      if (const auto* x = find_metric(run, key))
        values.push_back(*x);
    if (!values.empty())
      out += fmt::format(" {} |", summary(values));
  }
  double seconds = 0;
  for (const auto& run : runs)
    seconds += run.seconds / static_cast<double>(runs.size());
  return out + fmt::format(" {:.2f} |\n", seconds);
}

/// The heading of one set's table. @param run One of it.
std::string heading_of(const uci_run& run) {
  auto head = fmt::format("| {} |", run.set);
  std::string rule = "|---|";
  for (const auto& [key, title] : columns)
    if (find_metric(run, key) != nullptr) {
      head += fmt::format(" {} |", title);
      rule += "---|";
    }
  return fmt::format("{} seconds |\n{}---|\n", head, rule);
}

} // namespace

std::string to_markdown(std::span<const uci_run> runs) {
  std::string out;
  std::string_view set;
  while (!runs.empty()) {
    const auto& first = runs.front();
    if (first.set != set)
      out += (out.empty() ? "" : "\n") + heading_of(first);
    set = first.set;
    const auto other = std::ranges::find_if(runs, [&](const uci_run& x) {
      return x.set != first.set || x.algorithm != first.algorithm;
    });
    const auto count = static_cast<std::size_t>(other - runs.begin());
    out += line_of(runs.first(count));
    runs = runs.subspan(count);
  }
  return out;
}

std::string to_csv(std::span<const uci_run> runs) {
  std::string out = "set,algorithm,split";
  for (const auto& [key, title] : columns)
    out += "," + key;
  out += ",seconds\n";
  for (const auto& run : runs) {
    out += fmt::format("{},{},{}", run.set, run.algorithm, run.split);
    for (const auto& [key, title] : columns) {
      const auto* x = find_metric(run, key);
      out += x != nullptr ? fmt::format(",{}", *x) : ",";
    }
    out += fmt::format(",{}\n", run.seconds);
  }
  return out;
}

} // namespace posse::bench
