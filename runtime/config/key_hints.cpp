#include "runtime/config/key_hints.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/core/nearest_name.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <vector>

namespace posse {

namespace {

bool is_of_cluster(std::string_view section) {
  return section == cluster_section_text.name
         || section == node_section_text.name;
}

/// The keys of a cluster first if `cluster_first`, those of a run first if not.
std::vector<const config_key*> all_keys(bool cluster_first) {
  std::vector<const config_key*> keys;
  for (const auto& key : config_schema())
    keys.push_back(&key);
  auto of_run = static_cast<std::ptrdiff_t>(keys.size());
  for (const auto& key : cluster_keys())
    keys.push_back(&key);
  for (const auto& key : node_keys())
    keys.push_back(&key);
  if (cluster_first)
    std::rotate(keys.begin(), keys.begin() + of_run, keys.end());
  return keys;
}

std::vector<std::string> key_names(std::string_view section) {
  std::vector<std::string> names;
  for (const auto* key : all_keys(false))
    if (key->section == section)
      names.emplace_back(key->name);
  return names;
}

/// `; did you mean "infer.batch"?` for the first key of this name, or "".
std::string hint_elsewhere(std::string_view name, bool cluster_first) {
  for (const auto* key : all_keys(cluster_first))
    if (key->name == name)
      return c10::str("; did you mean \"", key->dotted(), "\"?");
  return "";
}

} // namespace

bool is_run_section(std::string_view name) {
  auto sections = config_sections();
  return !name.empty()
         && std::any_of(sections.begin(), sections.end(),
                        [name](const auto& s) { return s.name == name; });
}

bool is_section(std::string_view name) {
  return is_run_section(name) || name == cluster_section_text.name;
}

std::string hint_for_key(std::string_view section, std::string_view name) {
  if (auto hint = hint_elsewhere(name, is_of_cluster(section)); !hint.empty())
    return hint;
  auto names = key_names(section);
  auto hint = nearest_hint(name, names);
  return hint.empty() ? "; known are " + list_names(names) : hint;
}

std::string hint_for_top(std::string_view name) {
  auto names = key_names("");
  for (const auto& section : config_sections())
    if (!section.name.empty())
      names.emplace_back(section.name);
  names.emplace_back(cluster_section_text.name);
  names.emplace_back(node_section_text.name);
  if (auto hint = nearest_hint(name, names); !hint.empty())
    return hint;
  if (auto hint = hint_elsewhere(name, false); !hint.empty())
    return hint;
  return "; known are " + list_names(names);
}

} // namespace posse
