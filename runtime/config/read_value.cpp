#include "runtime/config/read_value.hpp"

#include "runtime/config/loopback.hpp"
#include "runtime/config/schema_text.hpp"
#include "runtime/config/toml_text.hpp"
#include "runtime/core/nearest_name.hpp"
#include "runtime/core/units.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace posse {

namespace {

template <class T>
using result = tl::expected<T, mismatch>;

tl::unexpected<mismatch> refuse(const toml::node& node, std::string text) {
  return tl::unexpected<mismatch>{
      {{}, std::move(text), node.source().begin.line}};
}

tl::unexpected<mismatch> differs(const toml::node& node,
                                 std::string_view wanted) {
  return refuse(node, c10::str("expected ", wanted, ", got ", shown(node)));
}

// -- single values -----------------------------------------------------------

result<std::int64_t> read_integer(const toml::node& node,
                                  const number_range& range,
                                  std::string_view wanted) {
  auto* x = node.as_integer();
  if (!x || !range.contains(static_cast<double>(x->get())))
    return differs(node, wanted);
  return x->get();
}

result<double> read_real(const toml::node& node, const number_range& range,
                         std::string_view wanted) {
  auto x = node.value<double>(); // takes an integer too
  if (x && !std::isfinite(*x))
    return differs(node, "a finite number");
  if (!x || !range.contains(*x))
    return differs(node, wanted);
  return *x;
}

result<std::string> read_text(const toml::node& node, std::string_view wanted) {
  auto* x = node.as_string();
  if (!x)
    return differs(node, wanted);
  if (x->get().empty())
    return differs(node, c10::str(wanted, " that is not empty"));
  if (has_control_characters(x->get()))
    return differs(node, c10::str(wanted, " without control characters"));
  return x->get();
}

result<std::string> read_word(const toml::node& node, const config_key& key,
                              const known_names& names,
                              std::string_view wanted) {
  auto* x = node.as_string();
  if (!x)
    return differs(node, wanted);
  const auto& word = x->get();
  const auto& words = allowed_words(key, names);
  if (std::find(words.begin(), words.end(), word) != words.end())
    return word;
  return refuse(node, c10::str("expected ", wanted, ", got ", shown(node),
                               nearest_hint(word, words)));
}

result<std::filesystem::path> read_path(const toml::node& node,
                                        const std::filesystem::path& folder) {
  auto text = read_text(node, "a path");
  if (!text)
    return tl::unexpected<mismatch>{std::move(text.error())};
  return (folder / *text).lexically_normal();
}

// -- what nodes are called, where they are, what they know --------------------

result<std::string> read_identifier(const toml::node& node,
                                    std::string_view wanted) {
  constexpr std::size_t most_characters = 64;
  auto* x = node.as_string();
  if (!x || x->get().empty() || x->get().size() > most_characters
      || !std::all_of(x->get().begin(), x->get().end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                  || (c >= '0' && c <= '9') || c == '_' || c == '-';
         }))
    return differs(node, wanted);
  return x->get();
}

result<std::string> read_loopback_host(const toml::node& node,
                                       std::string_view wanted) {
  auto* x = node.as_string();
  if (!x)
    return differs(node, wanted);
  if (!loopback_address(x->get()))
    return refuse(node,
                  c10::str("expected ", wanted, ", got ", shown(node),
                           ": only loopback until nodes can prove who they are "
                           "(TLS comes with a later version)"));
  return x->get();
}

/// Says of what came only how long it is.
result<std::string> read_secret(const toml::node& node,
                                std::string_view wanted) {
  constexpr std::ptrdiff_t least_characters = 16;
  auto* x = node.as_string();
  if (!x)
    return refuse(node, c10::str("expected ", wanted, ", got no text"));
  const auto& text = x->get();
  auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80; // starts one
  });
  if (characters < least_characters)
    return refuse(node, c10::str("expected ", wanted, ", got ", characters));
  return text;
}

// -- devices -----------------------------------------------------------------

bool is_device_name(std::string_view name) {
  constexpr int most_devices = 1024;
  auto colon = name.find(':');
  if (colon == std::string_view::npos)
    return false;
  auto type = name.substr(0, colon);
  auto number = name.substr(colon + 1);
  int index = -1;
  auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), index);
  return (type == "cpu" || type == "cuda" || type == "sim")
         && error == std::errc{} && end == number.data() + number.size()
         && index >= 0 && index < most_devices
         && number == std::to_string(index); // one name for one device
}

result<std::string> read_device_name(const toml::node& node) {
  constexpr std::string_view wanted =
      "cpu:K, cuda:K or sim:K with K = 0, 1, ...";
  auto* x = node.as_string();
  if (!x || !is_device_name(x->get()))
    return differs(node, wanted);
  return x->get();
}

result<std::int64_t> read_bytes(const toml::node& node, std::int64_t least,
                                std::string_view wanted) {
  std::int64_t bytes = -1;
  if (auto* integer = node.as_integer())
    bytes = integer->get();
  else if (auto* text = node.as_string())
    bytes = parse_bytes(text->get()).value_or(-1);
  if (bytes < least || bytes > max_bytes)
    return differs(node, wanted);
  return bytes;
}

result<device_entry> read_device(const toml::node& node) {
  static const std::vector<std::string> fields{"name", "bytes"};
  auto inside = [](mismatch error, std::string_view field) {
    error.at = c10::str(".", field);
    return tl::unexpected<mismatch>{std::move(error)};
  };
  auto* table = node.as_table();
  if (!table)
    return read_device_name(node).map([](std::string name) {
      return device_entry{std::move(name), 0};
    });
  device_entry entry{{}, 0};
  for (const auto& [field, value] : *table) {
    if (field == "name") {
      auto name = read_device_name(value);
      if (!name)
        return inside(std::move(name.error()), field);
      entry.name = *name;
    } else if (field == "bytes") {
      auto bytes = read_bytes(
          value, 1, "a size above 0 and up to 8192TiB, such as \"4GiB\"");
      if (!bytes)
        return inside(std::move(bytes.error()), field);
      entry.bytes = *bytes;
    } else {
      return refuse(value,
                    c10::str("expected ", list_names(fields), ", got the key ",
                             shown(field.str()), nearest_hint(field, fields)));
    }
  }
  if (entry.name.empty())
    return refuse(node, "expected a name = \"cpu:0\" in the table, got none");
  return entry;
}

// -- lists -------------------------------------------------------------------

/// Reads each item by `read_item(node)`; errors say which one it was.
template <class T, class F>
result<config_value> read_list(const toml::node& node, std::string_view wanted,
                               F read_item,
                               std::size_t most_items = max_list_items) {
  auto* array = node.as_array();
  if (!array)
    return differs(node, wanted);
  if (array->size() > most_items)
    return refuse(node, c10::str("expected at most ", most_items,
                                 " values, got ", array->size()));
  std::vector<T> items;
  for (const auto& item : *array) {
    result<T> x = read_item(item);
    if (!x) {
      x.error().at = c10::str("[", items.size(), "]", x.error().at);
      return tl::unexpected<mismatch>{std::move(x.error())};
    }
    items.push_back(std::move(*x));
  }
  return config_value{std::move(items)};
}

result<config_value> read_devices(const toml::node& node,
                                  std::string_view wanted) {
  if (auto* array = node.as_array(); array && array->empty())
    return differs(node, "at least one device");
  std::set<std::string> seen;
  return read_list<device_entry>(
      node, wanted, [&seen](const toml::node& item) -> result<device_entry> {
        auto device = read_device(item);
        if (device && !seen.insert(device->name).second)
          return refuse(item, c10::str("expected each device once, got ",
                                       shown(device->name), " again"));
        return device;
      });
}

} // namespace

tl::expected<config_value, mismatch>
read_value(const toml::node& node, const config_key& key,
           const known_names& names, const std::filesystem::path& folder) {
  auto wanted = describe_expected(key, names);
  auto as_value = [](auto x) { return config_value{std::move(x)}; };
  switch (key.kind) {
  case value_kind::boolean:
    if (auto* x = node.as_boolean())
      return config_value{x->get()};
    return differs(node, wanted);
  case value_kind::integer:
    return read_integer(node, key.range, wanted).map(as_value);
  case value_kind::real:
    return read_real(node, key.range, wanted).map(as_value);
  case value_kind::text:
    if (allowed_words(key, names).empty())
      return read_text(node, wanted).map(as_value);
    return read_word(node, key, names, wanted).map(as_value);
  case value_kind::byte_size:
    return read_bytes(node, 0, wanted).map(as_value);
  case value_kind::text_or_real:
    if (node.is_number())
      return read_real(node, key.range, wanted).map(toml_real).map(as_value);
    return read_word(node, key, names, wanted).map(as_value);
  case value_kind::identifier:
    return read_identifier(node, wanted).map(as_value);
  case value_kind::loopback_host:
    return read_loopback_host(node, wanted).map(as_value);
  case value_kind::secret:
    return read_secret(node, wanted).map(as_value);
  case value_kind::path:
    return read_path(node, folder).map(as_value);
  case value_kind::text_list: // of the particles, so far
    return read_list<std::string>(
        node, wanted,
        [](const toml::node& item) { return read_text(item, "text"); },
        static_cast<std::size_t>(most_particles));
  case value_kind::path_list:
    return read_list<std::filesystem::path>(
        node, wanted,
        [&folder](const toml::node& item) { return read_path(item, folder); });
  case value_kind::integer_list: {
    auto item_key = key;
    item_key.kind = value_kind::integer;
    return read_list<std::int64_t>(
        node, wanted,
        [range = key.range, item_wanted = describe_expected(item_key, names)](
            const toml::node& item) {
          return read_integer(item, range, item_wanted);
        });
  }
  case value_kind::device_list:
    return read_devices(node, wanted);
  }
  return differs(node, wanted);
}

std::string shown(const toml::node& node) {
  if (auto* x = node.as_string())
    return shown(std::string_view{x->get()});
  if (auto* x = node.as_integer())
    return std::to_string(x->get());
  if (auto* x = node.as_floating_point())
    return toml_real(x->get());
  if (auto* x = node.as_boolean())
    return x->get() ? "true" : "false";
  if (auto* x = node.as_array()) {
    if (x->empty())
      return "an empty array";
    return x->size() == 1 ? std::string{"an array of 1 value"}
                          : c10::str("an array of ", x->size(), " values");
  }
  return node.is_table() ? "a table" : "a date or a time";
}

std::string shown(std::string_view text) {
  return '"' + one_line(text) + '"';
}

} // namespace posse
