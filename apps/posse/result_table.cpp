#include "apps/posse/result_table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <vector>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

struct column {
  std::string_view key;
  std::string_view title;
};

constexpr column shown_columns[]{
    {"rmse", "RMSE"},   {"accuracy", "accuracy"},         {"nll", "NLL"},
    {"crps", "CRPS"},   {"coverage_90", "90 % coverage"}, {"ece", "ECE"},
    {"brier", "Brier"},
};

constexpr std::size_t shown_members = 20;
constexpr int first_width = 12;
constexpr int min_width = 9;

int width_of(const column& c) {
  return std::max(static_cast<int>(c.title.size()), min_width);
}

std::string row_text(std::string_view title, const json& metrics,
                     const std::vector<column>& columns) {
  auto out = fmt::format("{:<{}}", title, first_width);
  for (const auto& c : columns)
    out += metrics.contains(c.key) && metrics[c.key].is_number()
               ? fmt::format("  {:>{}.4f}", metrics[c.key].get<double>(),
                             width_of(c))
               : fmt::format("  {:>{}}", "", width_of(c));
  return out + '\n';
}

/// What the validation rows tell, in a line; empty if there are none.
std::string calibrated_line(const json& result) {
  if (!result.contains("calibrated"))
    return {};
  const auto& x = result["calibrated"];
  const auto& regions = x.at("conformal");
  auto out = fmt::format("calibrated on {} validation rows: ",
                         x.at("validation_rows").get<std::int64_t>());
  if (x.contains("temperature"))
    out += fmt::format("NLL {:.4f}, ECE {:.4f} at temperature {:.3f}; ",
                       x.at("after").at("nll").get<double>(),
                       x.at("after").at("ece").get<double>(),
                       x.at("temperature").get<double>());
  if (x.contains("deviation_scale"))
    out += fmt::format("NLL {:.4f} with deviations times {:.3f}; ",
                       x.at("after").at("nll").get<double>(),
                       x.at("deviation_scale").get<double>());
  const auto coverage = regions.at("coverage_90").get<double>();
  if (regions.contains("classes_90"))
    return out
           + fmt::format("90 % sets cover {:.4f} with {:.2f} classes\n",
                         coverage, regions["classes_90"].get<double>());
  const auto width = regions.at("width_90").get<double>();
  return out
         + (std::isfinite(width) ? fmt::format(
                "90 % intervals cover {:.4f}, {:.4g} wide\n", coverage, width)
                                 : "90 % intervals take 9\n");
}

/// Whether the draws of Markov chains can be relied upon, in a line; empty if
/// the particles are none.
std::string chains_line(const json& result) {
  if (!result.contains("chains"))
    return {};
  const auto& x = result["chains"];
  const auto& r_hat = x.at("r_hat");
  const auto& draws = x.at("effective_draws");
  // Of chains that stand still it is infinite, which JSON has no number for.
  const auto number = [](const json& of) {
    return of.is_number() && std::isfinite(of.get<double>())
               ? fmt::format("{:.3f}", of.get<double>())
               : std::string{"infinite"};
  };
  return fmt::format(
      "chains: R-hat {}, at the worst test row {}; {:.0f} effective draws of "
      "{}, at the worst {:.0f}\n",
      number(r_hat.at("median")), number(r_hat.at("worst")),
      draws.at("median").get<double>(),
      x.at("chains").get<std::int64_t>() * x.at("draws").get<std::int64_t>(),
      draws.at("least").get<double>());
}

} // namespace

std::string result_table(const json& result) {
  const auto& test = result.at("metrics").at("test");
  const auto& members = result.at("members");
  const auto& data = result.at("data");
  std::vector<column> columns;
  for (const auto& c : shown_columns)
    if (test.contains(c.key))
      columns.push_back(c);

  auto out =
      fmt::format("{}: {} of {} particles; {} training rows, {} test rows\n",
                  result.at("name").get<std::string>(),
                  result.at("algorithm").get<std::string>(), members.size(),
                  data.at("train_rows").get<std::int64_t>(),
                  data.at("test_rows").get<std::int64_t>());
  out += fmt::format("{:<{}}", "on the test", first_width);
  for (const auto& c : columns)
    out += fmt::format("  {:>{}}", c.title, width_of(c));
  out += '\n' + row_text("ensemble", test, columns);
  for (std::size_t i = 0; i < std::min(members.size(), shown_members); ++i) {
    const auto& member = members[i];
    const auto title =
        fmt::format("particle {}", member.at("pid").get<std::int64_t>());
    out += member.contains("metrics")
               ? row_text(title, member["metrics"], columns)
               : fmt::format("{:<{}}  {}\n", title, first_width,
                             member.at("status").get<std::string>());
  }
  if (members.size() > shown_members)
    out += fmt::format("... and {} more in result.json\n",
                       members.size() - shown_members);
  out += chains_line(result) + calibrated_line(result);
  const auto& timing = result.at("timing");
  out += fmt::format(
      "{:.1f} s, {:.1f} s of them training: {} particle-steps of {:.1f} us\n",
      timing.at("wall_seconds").get<double>(),
      timing.at("train_seconds").get<double>(),
      timing.at("particle_steps").get<std::int64_t>(),
      timing.at("us_per_particle_step").get<double>());
  return out;
}

} // namespace posse
