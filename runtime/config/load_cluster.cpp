#include "runtime/config/load_cluster.hpp"

#include "runtime/config/assign.hpp"
#include "runtime/config/check_cluster.hpp"
#include "runtime/config/config_document.hpp"
#include "runtime/config/key_hints.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/core/guarded.hpp"

#include <c10/util/StringUtil.h>

namespace posse {

namespace {

constexpr std::string_view where_runs_belong =
    "; a run's settings belong to the run's config, which has a [data]";

/// Whether `a` sets something of a run, right or wrong.
bool is_of_run(const assignment& a) {
  return is_run_section(a.section)
         || (a.section.empty()
             && (is_run_section(a.name) || find_key("", a.name)));
}

/// Refuses the first name above all sections that belongs to a run, also a
/// section without keys.
expected<void> refuse_run_sections(const toml::table& document,
                                   const place& at) {
  const toml::key* first = nullptr;
  for (const auto& [name, value] : document)
    if ((is_run_section(name) || find_key("", name))
        && (!first || name.source().begin.line < first->source().begin.line))
      first = &name;
  if (!first)
    return {};
  return fail(
      errc::invalid_config,
      c10::str(at.where(first->str(), first->source().begin.line),
               ": expected only [cluster] and [[node]] in the file of a "
               "cluster, got a setting of a run",
               where_runs_belong));
}

/// Refuses what `--set` has changed of a run.
expected<void> refuse_run_sets(const run_config& config) {
  for (const auto& key : config_schema())
    if (config.origins.given(key.dotted()))
      return fail(errc::invalid_config,
                  c10::str(config.origins.where(key.dotted()),
                           ": expected a key of [cluster], got a setting of a "
                           "run",
                           where_runs_belong));
  return {};
}

expected<cluster_config> load_text(std::string_view text,
                                   const std::filesystem::path& path,
                                   std::span<const std::string> sets,
                                   run_sections others) {
  auto file = path.string();
  auto document = parse_document(text, file);
  if (!document)
    return fail(std::move(document));
  run_config config; // of which only the cluster is used
  config.origins = key_origins{file};
  const place at{file, std::filesystem::absolute(path).parent_path()};
  if (others == run_sections::refused)
    if (auto ok = refuse_run_sections(*document, at); !ok)
      return fail(std::move(ok));
  if (auto ok = make_nodes(config, *document, at); !ok)
    return fail(std::move(ok));
  const known_names names;
  for (const auto& a : list_assignments(*document, config.origins))
    if (!is_of_run(a))
      if (auto ok = assign(config, a, at, names); !ok)
        return fail(std::move(ok));
  for (const auto& set : sets)
    if (auto ok = assign_set(config, set, names); !ok)
      return fail(std::move(ok));
  if (auto ok = refuse_run_sets(config); !ok)
    return fail(std::move(ok));
  auto cluster = std::move(config.cluster).value_or(cluster_config{});
  cluster.origins = std::move(config.origins);
  if (auto ok = check_cluster(cluster); !ok)
    return fail(std::move(ok));
  return cluster;
}

} // namespace

expected<cluster_config> load_cluster(const std::filesystem::path& path,
                                      std::span<const std::string> sets,
                                      run_sections others) {
  return guarded("loading the cluster", [&]() -> expected<cluster_config> {
    auto text = read_config_file(path);
    if (!text)
      return fail(std::move(text));
    return load_text(*text, path, sets, others);
  });
}

expected<cluster_config> parse_cluster(std::string_view text,
                                       const std::filesystem::path& path,
                                       std::span<const std::string> sets,
                                       run_sections others) {
  return guarded("loading the cluster",
                 [&] { return load_text(text, path, sets, others); });
}

} // namespace posse
