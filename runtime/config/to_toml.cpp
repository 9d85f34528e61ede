#include "runtime/config/to_toml.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/rules.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/schema_text.hpp"

#include <c10/util/StringUtil.h>

namespace posse {

namespace {

/// Nothing to print: a text or path that has not been resolved yet.
bool is_blank(const config_value& x) {
  return x == config_value{std::string{}}
         || x == config_value{std::filesystem::path{}};
}

std::string line(const config_key& key, const config_value& x) {
  return c10::str(key.name, " = ", toml_text(key, x), " # ", key.doc, "\n");
}

template <class Owner>
std::string lines(const Owner& owner, std::span<const bound_key<Owner>> keys) {
  std::string text;
  for (const auto& key : keys)
    if (auto x = key.get(owner); x && key.kind != value_kind::secret)
      text += line(key, *x);
  return text;
}

} // namespace

std::string to_toml(const run_config& config) {
  std::string text;
  for (const auto& section : config_sections()) {
    if (!section.name.empty())
      text += c10::str("\n[", section.name, "] # ", section.doc, "\n");
    for (const auto& key : config_schema()) {
      if (key.section != section.name || why_unused(config, key))
        continue;
      auto x = key.get(config);
      if (x && !is_blank(*x))
        text += line(key, *x);
    }
  }
  if (config.cluster)
    text += '\n' + to_toml(*config.cluster);
  return text;
}

std::string to_toml(const cluster_config& config) {
  auto text =
      c10::str("[", cluster_section_text.name, "] # ", cluster_section_text.doc,
               "\n", lines(config.cluster, cluster_keys()));
  for (const auto& node : config.nodes)
    text += c10::str("\n[[", node_section_text.name, "]] # ",
                     node_section_text.doc, "\n", lines(node, node_keys()));
  return text;
}

} // namespace posse
