#include "runtime/config/plugin_list.hpp"

#include "runtime/config/assign.hpp"
#include "runtime/config/config_document.hpp"
#include "runtime/core/guarded.hpp"

#include <c10/util/StringUtil.h>

namespace posse {

namespace {

constexpr std::string_view key = "plugins";

bool sets_plugins(std::string_view set) {
  const auto first = set.find_first_not_of(" \t");
  if (first == set.npos || !set.substr(first).starts_with(key))
    return false;
  const auto next = set.find_first_not_of(" \t", first + key.size());
  return next != set.npos && set[next] == '=';
}

std::string item_name(std::size_t i) {
  return c10::str(key, "[", i, "]");
}

expected<std::vector<listed_plugin>> list(std::string_view text,
                                          const std::filesystem::path& path,
                                          std::span<const std::string> sets) {
  auto file = path.string();
  auto document = parse_document(text, file);
  if (!document)
    return fail(std::move(document));
  if (is_of_cluster(*document, sets))
    return std::vector<listed_plugin>{};
  run_config config; // of which only the plugins are used
  const place at{file, std::filesystem::absolute(path).parent_path()};
  std::vector<std::string> where;
  if (const auto found = document->find(key); found != document->end()) {
    const auto& [name, value] = *found;
    const assignment a{
        {}, std::string{key}, &value, name.source().begin.line, {}};
    if (auto ok = assign(config, a, at, {}); !ok)
      return fail(std::move(ok));
    for (const auto& item : *value.as_array())
      where.push_back(
          at.where(item_name(where.size()), item.source().begin.line));
  }
  for (const auto& set : sets) {
    if (!sets_plugins(set))
      continue;
    if (auto ok = assign_set(config, set, {}); !ok)
      return fail(std::move(ok));
    where.clear();
  }
  std::vector<listed_plugin> out;
  for (std::size_t i = 0; i < config.plugins.size(); ++i)
    out.push_back({config.plugins[i],
                   i < where.size() ? where[i] : "--set " + item_name(i)});
  return out;
}

} // namespace

expected<std::vector<listed_plugin>>
list_plugins(const std::filesystem::path& path,
             std::span<const std::string> sets) {
  return guarded("loading the config",
                 [&]() -> expected<std::vector<listed_plugin>> {
                   auto text = read_config_file(path);
                   if (!text)
                     return fail(std::move(text));
                   return list(*text, path, sets);
                 });
}

expected<std::vector<listed_plugin>>
list_plugins_of(std::string_view text, const std::filesystem::path& path,
                std::span<const std::string> sets) {
  return guarded("loading the config", [&] { return list(text, path, sets); });
}

} // namespace posse
