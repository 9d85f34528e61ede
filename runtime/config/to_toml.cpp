#include "runtime/config/to_toml.hpp"

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
        text +=
            c10::str(key.name, " = ", toml_text(key, *x), " # ", key.doc, "\n");
    }
  }
  return text;
}

} // namespace posse
