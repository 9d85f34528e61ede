#include "apps/posse/shift_report.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/shift_detection.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace posse {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t shown_members = 20;

std::int64_t networks_of(const regression_answer& x) {
  return x.members.means.size(0);
}

std::int64_t networks_of(const classification_answer& x) {
  return x.logits.size(0);
}

std::int64_t rows_of(const regression_answer& x) {
  return x.members.means.size(1);
}

std::int64_t rows_of(const classification_answer& x) {
  return x.logits.size(1);
}

expected<regression_predictive> alone(const regression_answer& x,
                                      std::int64_t first) {
  return predict_regression(x.members.members(first, x.draws));
}

expected<classification_predictive> alone(const classification_answer& x,
                                          std::int64_t first) {
  return predict_classification(x.logits.narrow(0, first, x.draws));
}

template <class Answer>
expected<shift_report> compare(const Answer& test, const Answer& shifted) {
  const auto networks = networks_of(test);
  auto all = detect_shift(test.predictive, shifted.predictive, networks > 1);
  if (!all)
    return fail(std::move(all));
  if (all->empty())
    return fail(errc::invalid_argument,
                "--shifted: expected particles with an uncertainty to tell "
                "rows by, got one network that predicts points");
  shift_report out{rows_of(test), rows_of(shifted), std::move(*all), {}};
  for (std::int64_t m = 0; m < networks; m += test.draws) {
    auto own = alone(test, m);
    if (!own)
      return fail(std::move(own));
    auto other = alone(shifted, m);
    if (!other)
      return fail(std::move(other));
    auto member = detect_shift(*own, *other, test.draws > 1);
    if (!member)
      return fail(std::move(member));
    out.members.push_back(std::move(*member));
  }
  return out;
}

json to_object(const metric_list& scores) {
  auto out = json::object();
  for (const auto& each : scores)
    out[each.name] = each.value;
  return out;
}

/// Of how many members the score is at least that of the ensemble; nothing if
/// they have no such score.
std::optional<std::int64_t> members_not_below(const shift_report& x,
                                              const metric& score) {
  std::int64_t count = 0;
  bool found = false;
  for (const auto& member : x.members)
    for (const auto& each : member)
      if (each.name == score.name) {
        found = true;
        count += each.value >= score.value ? 1 : 0;
      }
  return found ? std::optional{count} : std::nullopt;
}

std::string title_of(std::string_view name) {
  return name == "mutual_information" ? "mutual information"
         : name == "epistemic_std"    ? "epistemic std"
                                      : std::string{name};
}

std::string row_text(std::string_view title, const metric_list& columns,
                     const metric_list& scores) {
  auto out = fmt::format("{:<12}", title);
  for (const auto& column : columns) {
    const auto width = std::max<std::size_t>(title_of(column.name).size(), 9);
    const auto found = std::ranges::find(scores, column.name, &metric::name);
    if (found != scores.end())
      out += fmt::format("  {:>{}.4f}", found->value, width);
  }
  return out + '\n';
}

} // namespace

expected<shift_report> report_shift(const posterior_answer& test,
                                    const posterior_answer& shifted) {
  return guarded("shift", [&]() -> expected<shift_report> {
    if (const auto* x = std::get_if<regression_answer>(&test))
      return compare(*x, std::get<regression_answer>(shifted));
    return compare(std::get<classification_answer>(test),
                   std::get<classification_answer>(shifted));
  });
}

json to_json(const shift_report& x) {
  json out{{"test_rows", x.test_rows},
           {"shifted_rows", x.shifted_rows},
           {"ensemble", to_object(x.ensemble)},
           {"members", json::array()}};
  for (std::size_t i = 0; i < x.members.size(); ++i) {
    json member{{"pid", i}};
    member.update(to_object(x.members[i]));
    out["members"].push_back(std::move(member));
  }
  if (x.members.size() < 2)
    return out;
  auto above = json::object();
  for (const auto& score : x.ensemble)
    if (const auto others = members_not_below(x, score))
      above[score.name] = *others == 0;
  out["above_every_member"] = std::move(above);
  return out;
}

std::string shift_table(const shift_report& x) {
  auto out = fmt::format("AUROC of {} shifted rows against {} test rows\n{:12}",
                         x.shifted_rows, x.test_rows, "");
  for (const auto& score : x.ensemble)
    out += fmt::format("  {:>9}", title_of(score.name));
  out += '\n' + row_text("ensemble", x.ensemble, x.ensemble);
  const auto shown = std::min(x.members.size(), shown_members);
  for (std::size_t i = 0; i < shown; ++i)
    out += row_text(fmt::format("particle {}", i), x.ensemble, x.members[i]);
  if (x.members.size() > shown)
    out +=
        fmt::format("... and {} more with --json\n", x.members.size() - shown);
  if (x.members.size() < 2)
    return out;
  for (const auto& score : x.ensemble)
    if (const auto others = members_not_below(x, score))
      out += fmt::format("{}: the ensemble is above {} of {} particles\n",
                         title_of(score.name),
                         static_cast<std::int64_t>(x.members.size()) - *others,
                         x.members.size());
  return out;
}

} // namespace posse
