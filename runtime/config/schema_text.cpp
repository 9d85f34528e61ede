#include "runtime/config/schema_text.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/rules.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/nearest_name.hpp"
#include "runtime/core/units.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <variant>
#include <vector>

namespace posse {

namespace {

std::string value_text(bool x) {
  return x ? "true" : "false";
}
std::string value_text(std::int64_t x) {
  return std::to_string(x);
}
std::string value_text(double x) {
  return toml_real(x);
}
std::string value_text(const std::string& x) {
  return toml_string(x);
}
std::string value_text(const std::filesystem::path& x) {
  return toml_string(x.string());
}
std::string value_text(const device_entry& x) {
  if (x.bytes == 0)
    return toml_string(x.name);
  return c10::str("{ name = ", toml_string(x.name), ", bytes = \"",
                  format_bytes(x.bytes), "\" }");
}

template <class T>
std::string value_text(const std::vector<T>& items) {
  std::string text = "[";
  for (const auto& item : items)
    text += (text.size() > 1 ? ", " : "") + value_text(item);
  return text + ']';
}

std::string number_text(double x) {
  constexpr double exact = 1e15; // whole numbers up to here print as integers
  return std::abs(x) < exact && x == std::floor(x)
             ? std::to_string(static_cast<std::int64_t>(x))
             : toml_real(x);
}

std::string describe_range(const number_range& r) {
  bool has_low = std::isfinite(r.low);
  bool has_high = std::isfinite(r.high);
  if (!has_low && !has_high)
    return "";
  if (!has_high)
    return (r.low_included ? " >= " : " > ") + number_text(r.low);
  if (r.low_included && r.high_included)
    return " from " + number_text(r.low) + " to " + number_text(r.high);
  return c10::str(" in ", r.low_included ? '[' : '(', number_text(r.low), ", ",
                  number_text(r.high), r.high_included ? ']' : ')');
}

/// The default and those that replace it, in the order of their rules.
template <class Owner>
std::string describe_default(const bound_key<Owner>& key) {
  std::vector<std::string> texts;
  auto base = key.get(Owner{});
  if (!key.default_text.empty())
    texts.emplace_back(key.default_text);
  else if (base && *base != config_value{std::string{}})
    texts.push_back('`' + toml_text(key, *base) + '`');
  for (const auto& rule : default_rules()) {
    // A first rule that repeats the default says nothing new.
    if (rule.key != key.dotted() || (texts.size() == 1 && rule.value == base))
      continue;
    texts.push_back('`' + toml_text(key, rule.value) + '`');
    if (!rule.when.key.empty())
      texts.back() += c10::str(" with ", rule.when.key, " ", rule.when.word);
  }
  std::string text;
  for (const auto& item : texts)
    text += (text.empty() ? "" : "; ") + item;
  return text;
}

/// A cell of a Markdown table.
std::string cell(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos;
       at = text.find('|', at + 2))
    text.insert(at, 1, '\\');
  return text;
}

constexpr std::string_view table_head =
    "| key | takes | default | what it is |\n|---|---|---|---|\n";

template <class Owner>
std::string table_row(const bound_key<Owner>& key, const known_names& names) {
  return c10::str("| `", key.name, "` | ", cell(describe_expected(key, names)),
                  " | ", cell(describe_default(key)), " | ",
                  cell(std::string{key.doc}), " |\n");
}

} // namespace

std::string describe_expected(const config_key& key, const known_names& names) {
  const auto& words = allowed_words(key, names);
  switch (key.kind) {
  case value_kind::boolean:
    return "true or false";
  case value_kind::integer:
    return "an integer" + describe_range(key.range);
  case value_kind::real:
    return "a number" + describe_range(key.range);
  case value_kind::text:
    return words.empty() ? "text" : list_names(words);
  case value_kind::path:
    return "a path";
  case value_kind::integer_list:
    return "an array of integers" + describe_range(key.range);
  case value_kind::text_list:
    return "an array of texts";
  case value_kind::path_list:
    return "an array of paths";
  case value_kind::device_list:
    return "an array of devices such as [\"cpu:0\"]";
  case value_kind::byte_size:
    return "a size such as \"4GiB\"";
  case value_kind::identifier:
    return "1 to 64 letters, digits, \"_\" or \"-\"";
  case value_kind::loopback_host:
    return "an address of 127.0.0.0/8, ::1 or localhost";
  case value_kind::secret:
    return "text of at least 16 characters";
  case value_kind::text_or_real: {
    auto all = words;
    all.push_back("a number" + describe_range(key.range));
    return list_names(all);
  }
  }
  return {};
}

std::string toml_text(const config_key& key, const config_value& x) {
  if (key.kind == value_kind::byte_size) {
    const auto bytes = std::get<std::int64_t>(x);
    return bytes == 0 ? "0" : toml_string(format_bytes(bytes));
  }
  if (key.kind == value_kind::text_or_real) {
    const auto& word = std::get<std::string>(x);
    bool is_word = std::find(key.choices.begin(), key.choices.end(), word)
                   != key.choices.end();
    return is_word ? toml_string(word) : word;
  }
  return std::visit([](const auto& field) { return value_text(field); }, x);
}

std::string describe_schema(const known_names& names) {
  std::string text;
  for (const auto& section : config_sections()) {
    if (section.name.empty())
      text += c10::str("### ", section.doc, "\n\n");
    else
      text += c10::str("### `[", section.name, "]`: ", section.doc, "\n\n");
    text += table_head;
    for (const auto& key : config_schema())
      if (key.section == section.name)
        text += table_row(key, names);
    text += '\n';
  }
  text += c10::str("### `[", cluster_section_text.name,
                   "]`: ", cluster_section_text.doc, "\n\n", table_head);
  for (const auto& key : cluster_keys())
    text += table_row(key, names);
  text += c10::str("\n### `[[", node_section_text.name,
                   "]]`: ", node_section_text.doc, "\n\n", table_head);
  for (const auto& key : node_keys())
    text += table_row(key, names);
  return text;
}

} // namespace posse
