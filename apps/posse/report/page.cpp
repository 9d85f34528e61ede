#include "apps/posse/report/page.hpp"

#include "apps/posse/figure/markup.hpp"
#include "apps/posse/report/classification_figures.hpp"
#include "apps/posse/report/learning_figures.hpp"
#include "apps/posse/report/regression_figures.hpp"
#include "apps/posse/report/summary.hpp"
#include "messages/version.hpp"

#include <fmt/format.h>

namespace posse::report {

namespace {

using figure::escaped;

// Nothing may be loaded, whatever a file has slipped in.
constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{}: report of a posse run</title>
<style>
:root {{ --paper: #fff; --ink: #222; --quiet: #5c6168; --rule: #d9dce0; --warn: #8a4100; --warn-paper: #fff4e5 }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #16191d; --ink: #e4e4e4; --quiet: #a4abb3; --rule: #343a41; --warn: #ffc078; --warn-paper: #33240f }}
}}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 68rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }}
h1 {{ margin: 0; font-size: 1.7rem; line-height: 1.2; overflow-wrap: anywhere }}
h2 {{ margin: 2.2rem 0 .6rem; font-size: 1.25rem }}
h3 {{ margin: 0 0 .4rem; font-size: 1.05rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 }}
dt, .quiet {{ color: var(--quiet) }}
dd {{ margin: 0; overflow-wrap: anywhere }}
.warnings {{ margin: 1rem 0; padding: .6rem 1rem .6rem 2rem; background: var(--warn-paper); color: var(--warn); border-radius: .3rem; overflow-wrap: anywhere }}
.table {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
thead th {{ color: var(--quiet); font-weight: 500 }}
tbody th {{ font-weight: 400 }}
.ensemble {{ font-weight: 600 }}
.figures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 2rem 2.5rem }}
figure {{ margin: 0 }}
figure svg {{ display: block; width: 100%; height: auto; max-width: 31rem }}
figcaption, .note {{ color: var(--quiet); font-size: .92rem; margin: .4rem 0 0 }}
.settings td, .settings th {{ white-space: normal; text-align: left; overflow-wrap: anywhere; vertical-align: top }}
summary {{ cursor: pointer }}
footer {{ margin-top: 2.5rem; color: var(--quiet); font-size: .9rem }}
</style>
</head>
<body>
)";

std::string facts_html(const run_record& run) {
  std::string out = "<dl>\n";
  for (const auto& [name, text] : facts_of(run))
    out +=
        fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(text));
  return out + "</dl>\n";
}

std::string warnings_html(const run_record& run) {
  const auto warnings = warnings_of(run);
  if (warnings.empty())
    return {};
  std::string out = "<ul class=\"warnings\" aria-label=\"warnings\">\n";
  for (const auto& each : warnings)
    out += "<li>" + escaped(each) + "</li>\n";
  return out + "</ul>\n";
}

std::string metrics_html(const nlohmann::ordered_json& result) {
  const auto rows = metrics_of(result);
  bool has_members = false;
  for (const auto& row : rows)
    has_members = has_members || !row.mean_member.empty();
  std::string out =
      "<h2>Test metrics</h2>\n<div class=\"table\" role=\"region\" "
      "aria-label=\"test metrics\" "
      "tabindex=\"0\"><table>\n<thead><tr><th "
      "scope=\"col\">On the test rows</th><th scope=\"col\">Ensemble</th>";
  if (has_members)
    out += "<th scope=\"col\">Mean member</th><th scope=\"col\">Best "
           "member</th><th scope=\"col\">Range of members</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"ensemble\">{}"
                       "</td>",
                       escaped(row.name), escaped(row.ensemble));
    if (has_members)
      for (const auto& cell : {row.mean_member, row.best_member, row.range})
        out += fmt::format("<td>{}</td>", cell.empty() ? "–" : escaped(cell));
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (has_members)
    out += "<p class=\"note\">The ensemble is the mixture of all particles; "
           "members are the particles, each alone. What it gains over the mean "
           "member is what averaging is worth here.</p>\n";
  return out;
}

std::string blocks_html(std::string_view title,
                        const std::vector<block>& blocks) {
  std::string figures, notes;
  for (const auto& each : blocks)
    if (each.svg.empty())
      notes += fmt::format("<p class=\"note\">{}. {}</p>\n",
                           escaped(each.title), escaped(each.text));
    else
      figures += fmt::format("<figure>\n<h3>{}</h3>\n{}<figcaption>{}"
                             "</figcaption>\n</figure>\n",
                             escaped(each.title), each.svg, escaped(each.text));
  auto out = fmt::format("<h2>{}</h2>\n", title);
  if (!figures.empty())
    out += "<div class=\"figures\">\n" + figures + "</div>\n";
  return out + notes;
}

struct test_figures {
  std::vector<block> operator()(const regression_predictions& x) const {
    return x.target.empty() ? without_targets() : regression_figures(x);
  }
  std::vector<block> operator()(const classification_predictions& x) const {
    return x.target.empty() ? without_targets() : classification_figures(x);
  }
  static std::vector<block> without_targets() {
    return {{"Figures of the test", "",
             "Left out: predictions.csv has no column of targets."}};
  }
};

std::vector<block> posterior_blocks(const run_record& run) {
  if (run.predictions)
    return std::visit(test_figures{}, *run.predictions);
  return {{"Figures of the test", "",
           run.result ? "Left out: the run has no test rows."
                      : "Left out: test rows are predicted when a run has "
                        "finished."}};
}

std::string settings_html(const settings_list& settings) {
  std::string out = "<h2>Settings</h2>\n<details><summary>All keys of "
                    "config.toml</summary>\n<div class=\"table\"><table "
                    "class=\"settings\"><tbody>\n";
  for (const auto& [key, text] : settings)
    out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                       escaped(key), escaped(text));
  return out + "</tbody></table></div></details>\n";
}

} // namespace

std::string to_html(const run_record& run) {
  const auto name = escaped(name_of(run));
  auto out = fmt::format(fmt::runtime(head), name);
  out += fmt::format("<main>\n<h1>{}</h1>\n", name);
  out += warnings_html(run) + facts_html(run);
  if (run.result)
    out += metrics_html(*run.result);
  out += blocks_html("Learning", learning_figures(run));
  out += blocks_html("The posterior on the test rows", posterior_blocks(run));
  out += settings_html(run.settings);
  return out
         + fmt::format("</main>\n<footer>Written by <code>posse report</code>, "
                       "version {}.</footer>\n</body>\n</html>\n",
                       escaped(version));
}

} // namespace posse::report
