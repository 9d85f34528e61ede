#include "runtime/config/resolve_config.hpp"

#include "runtime/config/check_cluster.hpp"
#include "runtime/config/check_places.hpp"
#include "runtime/config/rules.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/schema_text.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/nearest_name.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>

namespace posse {

namespace {

void fill_in_defaults(run_config& config, const std::filesystem::path& folder) {
  for (const auto& rule : default_rules()) {
    const auto& key = key_named(rule.key);
    if (!config.origins.given(rule.key) && rule.when.holds(config)
        && !why_unused(config, key))
      key.set(config, rule.value);
  }
  if (!config.origins.given("run.out"))
    config.run.out = (folder / "runs" / config.run.name).lexically_normal();
}

expected<void> refuse_unused(const run_config& config) {
  for (const auto& key : config_schema()) {
    auto name = key.dotted();
    if (!config.origins.given(name))
      continue;
    const auto* condition = why_unused(config, key);
    if (!condition)
      continue;
    auto where = config.origins.where(name);
    if (condition->word.empty())
      return fail(errc::invalid_config,
                  c10::str(where, ": expected only one of ", name, " and ",
                           condition->key, ", got both"));
    return fail(errc::invalid_config,
                c10::str(where, ": expected no such key with ",
                         condition->text(), ", which does not use it, got ",
                         one_line(toml_text(key, *key.get(config)))));
  }
  return {};
}

expected<void> refuse_combinations(const run_config& config,
                                   const known_names& names) {
  for (const auto& rule : refusal_rules()) {
    if (!rule.when.holds(config))
      continue;
    const auto& key = key_named(rule.key);
    auto came = std::get<std::string>(*key.get(config));
    if (std::find(rule.words.begin(), rule.words.end(), came)
        == rule.words.end())
      continue;
    // What is left by this rule and by all others that hold.
    auto left = allowed_words(key, names);
    for (const auto& other : refusal_rules())
      if (other.key == rule.key && other.when.holds(config))
        std::erase_if(left, [&](const std::string& word) {
          return std::find(other.words.begin(), other.words.end(), word)
                 != other.words.end();
        });
    return fail(errc::invalid_config,
                c10::str(config.origins.where(rule.key), ": expected ",
                         list_names(left), " with ", rule.when.text(),
                         ", got \"", came, "\""));
  }
  return {};
}

} // namespace

expected<void> resolve_config(run_config& config,
                              const std::filesystem::path& folder,
                              const known_names& names) {
  if (config.data.path.empty())
    return fail(errc::invalid_config,
                config.origins.where("data.path")
                    + ": expected the path of the data, got none");
  // It names the default folder of the results.
  const auto& name = config.run.name;
  if (name.find('/') != name.npos || name == "." || name == "..")
    return fail(errc::invalid_config,
                c10::str(config.origins.where("run.name"),
                         ": expected a name without \"/\", got \"",
                         one_line(name), "\""));
  if (config.cluster)
    if (auto ok = check_cluster(*config.cluster); !ok)
      return ok;
  fill_in_defaults(config, folder);
  if (auto ok = refuse_unused(config); !ok)
    return ok;
  if (auto ok = check_places(config); !ok)
    return ok;
  return refuse_combinations(config, names);
}

} // namespace posse
