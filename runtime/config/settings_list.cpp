#include "runtime/config/settings_list.hpp"

#include "runtime/config/config_document.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <sstream>

namespace posse {

namespace {

std::string spelled(const toml::node& x) {
  if (const auto* text = x.as_string())
    return text->get();
  if (const auto* number = x.as_floating_point())
    return toml_real(number->get());
  if (const auto* list = x.as_array()) {
    std::vector<std::string> items;
    for (const auto& each : *list)
      items.push_back(spelled(each));
    return '[' + joined(items, ", ") + ']';
  }
  std::ostringstream out;
  x.visit([&out](const auto& each) { out << each; });
  return out.str();
}

void collect(
    const toml::table& from, const std::string& prefix,
    std::vector<std::pair<toml::source_position, settings_list::value_type>>&
        out) {
  for (const auto& [key, x] : from) {
    const auto name = prefix + std::string{key.str()};
    if (const auto* section = x.as_table(); section && !section->is_inline())
      collect(*section, name + '.', out);
    else
      out.push_back({key.source().begin, {name, spelled(x)}});
  }
}

} // namespace

expected<settings_list> list_settings(const std::filesystem::path& path) {
  return guarded("reading the config", [&]() -> expected<settings_list> {
    auto text = read_config_file(path);
    if (!text)
      return fail(std::move(text));
    auto document = parse_document(*text, path.string());
    if (!document)
      return fail(std::move(document));
    std::vector<std::pair<toml::source_position, settings_list::value_type>>
        found;
    collect(*document, "", found);
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
      return a.first.line < b.first.line;
    });
    settings_list out;
    for (auto& each : found)
      out.push_back(std::move(each.second));
    return out;
  });
}

std::string find_setting(const settings_list& settings, std::string_view name) {
  const auto found =
      std::ranges::find(settings, name, &settings_list::value_type::first);
  return found == settings.end() ? std::string{} : found->second;
}

} // namespace posse
