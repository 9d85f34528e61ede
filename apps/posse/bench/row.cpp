#include "apps/posse/bench/row.hpp"

#include "runtime/core/atomic_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace posse::bench {

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
      text += fmt::format("{:<8}   {} {:.1f}\n", "", name, number);
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

} // namespace posse::bench
