#include "apps/posse/bench/row.hpp"

#include "apps/posse/bench/chart.hpp"
#include "runtime/core/atomic_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace posse::bench {

namespace {

/// The element with that name, added if there is none.
template <class T>
T& one_of(std::vector<T>& all, std::string T::*name,
          const std::string& wanted) {
  for (auto& x : all)
    if (x.*name == wanted)
      return x;
  T added;
  added.*name = wanted;
  return all.emplace_back(std::move(added));
}

} // namespace

void summarise(std::vector<double> us, row& target) {
  std::ranges::sort(us);
  const auto middle = us.size() / 2;
  target.us_min = us.front();
  target.us_median =
      us.size() % 2 == 1 ? us[middle] : (us[middle - 1] + us[middle]) / 2;
  target.repetitions = us.size();
}

std::string to_table(std::span<const row> rows) {
  auto text =
      fmt::format("{:<8} {:<15} {:<7} {:>9} {:>5} {:>12} {:>12} {:>8} {:>8}\n",
                  "bench", "system", "model", "particles", "lanes", "us min",
                  "us median", "x min", "x median");
  for (const auto& x : rows) {
    const auto& reference = *std::ranges::find_if(rows, [&](const row& other) {
      return other.bench == x.bench && other.model == x.model
             && other.particles == x.particles;
    });
    text += fmt::format("{:<8} {:<15} {:<7} {:>9} {:>5} {:>12.3f} {:>12.3f} "
                        "{:>8.3f} {:>8.3f}\n",
                        x.bench, x.system, x.model, x.particles, x.lanes,
                        x.us_min, x.us_median, x.us_min / reference.us_min,
                        x.us_median / reference.us_median);
    for (const auto& [name, number] : x.more)
      text += fmt::format("{:<8}   {} {:.6g}\n", "", name, number);
  }
  return text;
}

expected<void> write_json(std::span<const row> rows,
                          const std::filesystem::path& file) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& x : rows) {
    nlohmann::ordered_json entry{{"bench", x.bench}, {"system", x.system}};
    if (!x.model.empty())
      entry["model"] = x.model;
    entry["particles"] = x.particles;
    entry["lanes"] = x.lanes;
    entry["us_min"] = x.us_min;
    entry["us_median"] = x.us_median;
    entry["repetitions"] = x.repetitions;
    entry["steps"] = x.steps;
    for (const auto& [name, number] : x.more)
      entry[name] = number;
    array.push_back(std::move(entry));
  }
  return write_file_atomically(file, array.dump(1) + "\n");
}

expected<void> write_plot(std::span<const row> rows,
                          const std::filesystem::path& file) {
  std::vector<chart_panel> panels;
  for (const auto& x : rows) {
    auto& panel = one_of(panels, &chart_panel::title, x.model);
    const auto name = x.lanes == 1
                          ? x.system
                          : fmt::format("{}, {} threads", x.system, x.lanes);
    auto& line = one_of(panel.lines, &chart_line::name, name);
    line.is_ours = x.system == "posse";
    line.points.emplace_back(x.particles, x.us_min);
  }
  for (auto& panel : panels)
    for (auto& line : panel.lines)
      std::ranges::sort(line.points);
  return write_file_atomically(file, to_svg(panels, "particles",
                                            rows.front().bench == "svgd"
                                                ? "us an iteration"
                                                : "us a particle-step"));
}

} // namespace posse::bench
