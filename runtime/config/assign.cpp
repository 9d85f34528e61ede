#include "runtime/config/assign.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/config_document.hpp"
#include "runtime/config/key_hints.hpp"
#include "runtime/config/read_value.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/toml_text.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>

namespace posse {

namespace {

constexpr std::string_view cluster_name = cluster_section_text.name;
constexpr std::string_view node_name = node_section_text.name;

tl::unexpected<failure> invalid(std::string_view where, std::string_view text) {
  return fail(errc::invalid_config, c10::str(where, ": ", text));
}

/// Whether `name` is "node" or "node[1]".
bool names_nodes(std::string_view name) {
  return name.substr(0, name.find('[')) == node_name;
}

// -- the document ------------------------------------------------------------

void list_section(std::vector<assignment>& all, const std::string& section,
                  const toml::table& table, std::optional<std::size_t> node) {
  for (const auto& [name, value] : table)
    all.push_back(
        {section, std::string{name}, &value, name.source().begin.line, node});
}

void list_nodes(std::vector<assignment>& all, const toml::array& nodes,
                key_origins& origins) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto section = node_section(i);
    auto line = nodes[i].source().begin.line;
    origins.record_line(section, line);
    if (auto* table = nodes[i].as_table())
      list_section(all, section, *table, i);
    else
      all.push_back({{}, section, &nodes[i], line, {}});
  }
}

// -- one setting -------------------------------------------------------------

tl::unexpected<failure> refuse_unknown(const assignment& a, const place& at) {
  auto where = at.where(a.dotted(), a.line);
  if (a.node)
    return invalid(where, c10::str("expected a key of [[", node_name,
                                   "]], got an unknown one",
                                   hint_for_key(node_name, a.name)));
  if (!a.section.empty())
    return invalid(where, c10::str("expected a key of [", a.section,
                                   "], got an unknown one",
                                   hint_for_key(a.section, a.name)));
  if (is_section(a.name))
    return invalid(where, c10::str("expected a section [", a.name, "], got ",
                                   shown(*a.value)));
  if (names_nodes(a.name))
    return invalid(where, c10::str("expected a section [[", node_name,
                                   "]] for each node, got ", shown(*a.value)));
  return invalid(where,
                 c10::str("expected a section or plugins, got an unknown name",
                          hint_for_top(a.name)));
}

/// @param keys Those that the section of `a` may have.
template <class Owner>
expected<void> assign_one(Owner& owner, std::span<const bound_key<Owner>> keys,
                          key_origins& origins, const assignment& a,
                          const place& at, const known_names& names) {
  auto key = std::find_if(keys.begin(), keys.end(), [&a](const auto& k) {
    return k.name == a.name && (a.node || k.section == a.section);
  });
  if (key == keys.end())
    return refuse_unknown(a, at);
  auto value = read_value(*a.value, *key, names, at.folder);
  if (!value) {
    const auto& error = value.error();
    return invalid(
        at.where(a.dotted() + error.at, error.line ? error.line : a.line),
        error.text);
  }
  key->set(owner, *value);
  if (at.file)
    origins.record_line(a.dotted(), a.line);
  else
    origins.record_set(a.dotted());
  return {};
}

// -- --set -------------------------------------------------------------------

std::string_view trimmed(std::string_view text) {
  auto first = std::min(text.find_first_not_of(" \t"), text.size());
  auto last = text.find_last_not_of(" \t");
  return text.substr(first, last == text.npos ? 0 : last + 1 - first);
}

/// A table whose only entry is the value of `text`: what it is in TOML, or else
/// a string.
toml::table parse_set_value(std::string_view text) {
  constexpr std::string_view name = "value";
  auto table = parse_document(c10::str(name, " = ", text), {});
  // A line break in the text could have started another key.
  if (table && table->size() == 1)
    return *std::move(table);
  return toml::table{{name, std::string{text}}};
}

} // namespace

std::string assignment::dotted() const {
  return section.empty() ? name : section + '.' + name;
}

std::string place::where(std::string_view key, std::size_t line) const {
  auto name = one_line(key);
  return file ? c10::str(*file, ":", line, ": ", name) : "--set " + name;
}

std::vector<assignment> list_assignments(const toml::table& document,
                                         key_origins& origins) {
  std::vector<assignment> all;
  for (const auto& [name, value] : document) {
    auto line = name.source().begin.line;
    auto* table = value.as_table();
    auto* array = value.as_array();
    bool is_known = (table && is_section(name)) || (array && name == node_name);
    if (is_known)
      origins.record_line(std::string{name}, line);
    if (is_known && table)
      list_section(all, std::string{name}, *table, {});
    else if (is_known)
      list_nodes(all, *array, origins);
    else
      all.push_back({{}, std::string{name}, &value, line, {}});
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.line < b.line;
  });
  return all;
}

expected<void> make_nodes(run_config& config, const toml::table& document,
                          const place& at) {
  if (!document.contains(cluster_name) && !document.contains(node_name))
    return {};
  config.cluster.emplace();
  auto found = document.find(node_name);
  if (found == document.end())
    return {};
  auto* nodes = found->second.as_array();
  if (!nodes)
    return {}; // assign() says what is wrong
  if (nodes->size() > max_nodes)
    return invalid(at.where(node_name, found->first.source().begin.line),
                   c10::str("expected at most ", max_nodes, " nodes, got ",
                            nodes->size()));
  config.cluster->nodes.resize(nodes->size());
  return {};
}

expected<void> assign(run_config& config, const assignment& a, const place& at,
                      const known_names& names) {
  if (a.node)
    return assign_one(config.cluster->nodes[*a.node], node_keys(),
                      config.origins, a, at, names);
  if (a.section != cluster_name)
    return assign_one(config, config_schema(), config.origins, a, at, names);
  if (!config.cluster)
    config.cluster.emplace();
  return assign_one(config.cluster->cluster, cluster_keys(), config.origins, a,
                    at, names);
}

expected<void> assign_set(run_config& config, std::string_view text,
                          const known_names& names) {
  const place at{std::nullopt, std::filesystem::current_path()};
  auto equals = text.find('=');
  auto dotted = trimmed(text.substr(0, equals));
  if (equals == std::string_view::npos)
    return invalid(at.where(dotted, 0), "expected KEY=VALUE, got no \"=\"");
  auto dot = dotted.find('.');
  auto section =
      dot == dotted.npos ? std::string_view{} : dotted.substr(0, dot);
  auto name = dotted.substr(dot == dotted.npos ? 0 : dot + 1);
  if (names_nodes(section.empty() ? name : section))
    return invalid(at.where(dotted, 0),
                   c10::str("expected a key of one section, got one of [[",
                            node_name,
                            "]], an array of tables, which --set "
                            "cannot change; change the file"));
  if (!section.empty() && !is_section(section))
    return invalid(at.where(dotted, 0),
                   "expected a key such as infer.batch, got an unknown section"
                       + hint_for_top(section));
  if (section.empty() && is_section(name))
    return invalid(at.where(dotted, 0),
                   c10::str("expected a key of [", name, "], got the section"));
  auto table = parse_set_value(trimmed(text.substr(equals + 1)));
  return assign(
      config,
      {std::string{section}, std::string{name}, &table.begin()->second, 0, {}},
      at, names);
}

} // namespace posse
