#include "runtime/config/load_config.hpp"

#include "runtime/config/read_value.hpp"
#include "runtime/config/resolve_config.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/nearest_name.hpp"

#include <c10/util/StringUtil.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <vector>

namespace posse {

namespace {

tl::unexpected<failure> invalid(std::string_view where, std::string_view text) {
  return fail(errc::invalid_config, c10::str(where, ": ", text));
}

std::string at_line(const std::string& file, std::size_t line) {
  return c10::str(file, ":", line);
}

// -- the file's bytes --------------------------------------------------------

expected<std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return invalid(path.string(), "expected a TOML file, found none");
  if (std::filesystem::is_directory(status))
    return invalid(path.string(), "expected a TOML file, got a folder");
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return invalid(path.string(), "expected a TOML file, got one that cannot "
                                  "be opened");
  // One byte more than allowed: a pipe does not tell its size.
  std::string text(max_config_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad())
    return invalid(path.string(), "expected a TOML file, got one that cannot "
                                  "be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// -- the document ------------------------------------------------------------

/// toml++ frees nested tables recursively and takes dotted keys of any length,
/// so that a line of 100000 dots overflows the stack (20000 do not, and values
/// nest 256 deep at most). No key of a config has more than one.
constexpr std::size_t max_dots_a_line = 64;

/// Dots of a line that could separate keys: none in a comment, and of a row of
/// dots only the first.
std::size_t count_dots(std::string_view line) {
  auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line[first] == '#')
    return 0;
  std::size_t dots = 0;
  for (std::size_t i = first; i < line.size(); ++i)
    dots += line[i] == '.' && (i == 0 || line[i - 1] != '.');
  return dots;
}

/// Refuses what toml++ would crash on or explain badly.
expected<void> check_bytes(std::string_view text, const std::string& file) {
  if (text.size() > max_config_bytes)
    return invalid(file, "expected a TOML file of at most 1 MiB, got more");
  std::size_t number = 1;
  for (std::size_t start = 0; start <= text.size(); ++number) {
    auto end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    start = end + 1;
    if (line.find('\0') != std::string_view::npos)
      return invalid(at_line(file, number),
                     "syntax: expected text, got a NUL byte (is this a binary "
                     "file?)");
    if (auto dots = count_dots(line); dots > max_dots_a_line)
      return invalid(at_line(file, number),
                     c10::str("syntax: expected at most ", max_dots_a_line,
                              " dots in a line, got ", dots));
  }
  return {};
}

expected<toml::table> parse_document(std::string_view text,
                                     const std::string& file) {
  if (auto ok = check_bytes(text, file); !ok)
    return fail(std::move(ok));
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& e) {
    // "Error while parsing key-value pair: expected value, saw '\n'"
    std::string_view why = e.description();
    constexpr std::string_view opening = "Error while parsing ";
    if (why.starts_with(opening))
      why.remove_prefix(opening.size());
    bool bare = why.find("could not determine value type") != why.npos;
    return invalid(at_line(file, e.source().begin.line),
                   c10::str("syntax: ", one_line(why, 200),
                            bare ? " (text needs quotes)" : ""));
  }
}

// -- names of sections and keys ----------------------------------------------

std::vector<std::string> key_names(std::string_view section) {
  std::vector<std::string> names;
  for (const auto& key : config_schema())
    if (key.section == section)
      names.emplace_back(key.name);
  return names;
}

bool is_section(std::string_view name) {
  auto sections = config_sections();
  return !name.empty()
         && std::any_of(sections.begin(), sections.end(),
                        [name](const auto& s) { return s.name == name; });
}

/// `; did you mean "infer.batch"?`: a key of this name in another section, the
/// nearest of this section, or else all of this section.
std::string hint_for_key(std::string_view section, std::string_view name) {
  for (const auto& key : config_schema())
    if (key.name == name)
      return c10::str("; did you mean \"", key.dotted(), "\"?");
  auto names = key_names(section);
  auto hint = nearest_hint(name, names);
  return hint.empty() ? "; known are " + list_names(names) : hint;
}

/// The same for what stands above all sections.
std::string hint_for_top(std::string_view name) {
  auto names = key_names("");
  for (const auto& section : config_sections())
    if (!section.name.empty())
      names.emplace_back(section.name);
  if (auto hint = nearest_hint(name, names); !hint.empty())
    return hint;
  for (const auto& key : config_schema())
    if (key.name == name)
      return c10::str("; did you mean \"", key.dotted(), "\"?");
  return "; known are " + list_names(names);
}

bool belongs_to_cluster(std::string_view name) {
  return name == "cluster" || name == "node";
}

constexpr std::string_view no_cluster =
    "this version runs on one machine, with the devices of [local]; expected "
    "no [cluster] and no [[node]], which come with a later version";

// -- assignments -------------------------------------------------------------

/// A value for `section.name`, which may be unknown.
struct assignment {
  std::string section;
  std::string name;
  const toml::node* value;
  std::size_t line;

  std::string dotted() const {
    return section.empty() ? name : section + '.' + name;
  }
};

/// Everything that the document assigns, in the order of its lines; the lines
/// of the sections go into `origins`. What stands above all sections and is no
/// section has an empty one.
std::vector<assignment> list_assignments(const toml::table& document,
                                         key_origins& origins) {
  std::vector<assignment> all;
  for (const auto& [name, value] : document) {
    auto line = name.source().begin.line;
    auto* section = value.as_table();
    if (!section || !is_section(name)) {
      all.push_back({{}, std::string{name}, &value, line});
      continue;
    }
    origins.record_line(std::string{name}, line);
    for (const auto& [key, inner] : *section)
      all.push_back({std::string{name}, std::string{key}, &inner,
                     key.source().begin.line});
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.line < b.line;
  });
  return all;
}

/// Where assignments stand, for errors: in a file, or in `--set` without one.
struct place {
  std::optional<std::string> file;
  std::filesystem::path folder; ///< what paths are relative to

  std::string where(std::string_view key, std::size_t line) const {
    auto name = one_line(key);
    return file ? at_line(*file, line) + ": " + name : "--set " + name;
  }
};

expected<void> assign(run_config& config, const assignment& a, const place& at,
                      const known_names& names) {
  auto where = [&](std::string_view inside = {}, std::size_t line = 0) {
    return at.where(a.dotted() + std::string{inside}, line ? line : a.line);
  };
  auto top = a.section.empty() ? a.name : a.section;
  if (belongs_to_cluster(top))
    return invalid(where(), no_cluster);
  const auto* key = find_key(a.section, a.name);
  if (!key && !a.section.empty())
    return invalid(where(), c10::str("expected a key of [", a.section,
                                     "], got an unknown one",
                                     hint_for_key(a.section, a.name)));
  if (!key && is_section(a.name))
    return invalid(where(), c10::str("expected a section [", a.name, "], got ",
                                     shown(*a.value)));
  if (!key)
    return invalid(
        where(), c10::str("expected a section or plugins, got an unknown name",
                          hint_for_top(a.name)));
  auto value = read_value(*a.value, *key, names, at.folder);
  if (!value)
    return invalid(where(value.error().at, value.error().line),
                   value.error().text);
  key->set(config, *value);
  if (at.file)
    config.origins.record_line(a.dotted(), a.line);
  else
    config.origins.record_set(a.dotted());
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
  if (count_dots(text) <= max_dots_a_line) {
    try {
      auto table = toml::parse(c10::str(name, " = ", text));
      // A line break in the text could have started another key.
      if (table.size() == 1)
        return table;
    } catch (const toml::parse_error&) {
      // No TOML value: a string.
    }
  }
  return toml::table{{name, std::string{text}}};
}

expected<void> apply_set(run_config& config, std::string_view text,
                         const place& at, const known_names& names) {
  auto equals = text.find('=');
  auto dotted = trimmed(text.substr(0, equals));
  if (equals == std::string_view::npos)
    return invalid(at.where(dotted, 0), "expected KEY=VALUE, got no \"=\"");
  auto dot = dotted.find('.');
  auto section =
      dot == dotted.npos ? std::string_view{} : dotted.substr(0, dot);
  auto name = dotted.substr(dot == dotted.npos ? 0 : dot + 1);
  if (!section.empty() && !is_section(section) && !belongs_to_cluster(section))
    return invalid(at.where(dotted, 0),
                   "expected a key such as infer.batch, got an unknown section"
                       + hint_for_top(section));
  if (section.empty() && is_section(name))
    return invalid(at.where(dotted, 0),
                   c10::str("expected a key of [", name, "], got the section"));
  auto table = parse_set_value(trimmed(text.substr(equals + 1)));
  assignment a{std::string{section}, std::string{name}, &table.begin()->second,
               0};
  return assign(config, a, at, names);
}

expected<run_config> load_text(std::string_view text,
                               const std::filesystem::path& path,
                               std::span<const std::string> sets,
                               const known_names& names) {
  auto file = path.string();
  auto document = parse_document(text, file);
  if (!document)
    return fail(std::move(document));
  run_config config;
  config.origins = key_origins{file};
  const place in_file{file, std::filesystem::absolute(path).parent_path()};
  for (const auto& a : list_assignments(*document, config.origins))
    if (auto ok = assign(config, a, in_file, names); !ok)
      return fail(std::move(ok));
  const place in_set{std::nullopt, std::filesystem::current_path()};
  for (const auto& set : sets)
    if (auto ok = apply_set(config, set, in_set, names); !ok)
      return fail(std::move(ok));
  if (auto ok = resolve_config(config, in_file.folder, names); !ok)
    return fail(std::move(ok));
  return config;
}

} // namespace

expected<run_config> load_config(const std::filesystem::path& path,
                                 std::span<const std::string> sets,
                                 const known_names& names) {
  return guarded("loading the config", [&]() -> expected<run_config> {
    auto text = read_file(path);
    if (!text)
      return fail(std::move(text));
    return load_text(*text, path, sets, names);
  });
}

expected<run_config> parse_config(std::string_view text,
                                  const std::filesystem::path& path,
                                  std::span<const std::string> sets,
                                  const known_names& names) {
  return guarded("loading the config",
                 [&] { return load_text(text, path, sets, names); });
}

} // namespace posse
