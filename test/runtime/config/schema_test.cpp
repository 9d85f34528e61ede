#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/rules.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/schema_text.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <set>
#include <string>

using namespace posse;

namespace {

/// A value of the key's kind that is no default.
template <class Owner>
config_value another(const bound_key<Owner>& key) {
  switch (key.kind) {
  case value_kind::boolean:
    return !std::get<bool>(*key.get(Owner{}));
  case value_kind::integer:
  case value_kind::byte_size:
    return std::int64_t{17};
  case value_kind::real:
    return 0.375;
  case value_kind::text:
  case value_kind::text_or_real:
  case value_kind::identifier:
  case value_kind::loopback_host:
  case value_kind::secret:
    return std::string{key.name == "fuse" ? "off" : "other"};
  case value_kind::path:
    return std::filesystem::path{"other"};
  case value_kind::integer_list:
    return std::vector<std::int64_t>{1, 2};
  case value_kind::text_list:
    return std::vector<std::string>{"a", "b"};
  case value_kind::path_list:
    return std::vector<std::filesystem::path>{"a", "b"};
  case value_kind::device_list:
    return std::vector<device_entry>{{"sim:3", 5}};
  }
  return {};
}

template <class Owner>
void check_set(std::span<const bound_key<Owner>> keys) {
  for (const auto& key : keys) {
    CAPTURE(key.dotted());
    Owner owner;
    auto other = another(key);
    key.set(owner, other);
    CHECK(key.get(owner) == other);
    CHECK_FALSE(owner == Owner{});
    for (const auto& untouched : keys)
      if (&untouched != &key)
        CHECK(untouched.get(owner) == untouched.get(Owner{}));
  }
}

} // namespace

TEST_CASE("every key is named once, documented and in a known section",
          "[config][schema]") {
  std::set<std::string> seen;
  for (const auto& key : config_schema()) {
    CAPTURE(key.dotted());
    CHECK(seen.insert(key.dotted()).second);
    CHECK_FALSE(key.doc.empty());
    CHECK(key.doc.find('\n') == key.doc.npos);
    auto sections = config_sections();
    CHECK(std::any_of(sections.begin(), sections.end(),
                      [&](const auto& s) { return s.name == key.section; }));
    CHECK(find_key(key.section, key.name) == &key);
    CHECK(&key_named(key.dotted()) == &key);
  }
  CHECK(seen.size() == 63); // all that the interface has
  CHECK(find_key("infer", "seed") == nullptr);
}

TEST_CASE("setting a key changes what it gets, and no other key",
          "[config][schema]") {
  check_set(config_schema());
  check_set(cluster_keys());
  check_set(node_keys());
}

TEST_CASE("the keys of a cluster are those of the interface",
          "[config][cluster_schema]") {
  auto names = [](const auto& keys, std::string_view section) {
    std::vector<std::string> all;
    for (const auto& key : keys) {
      CHECK(key.section == section);
      CHECK_FALSE(key.doc.empty());
      all.emplace_back(key.name);
    }
    return all;
  };
  CHECK((names(cluster_keys(), "cluster")
         == std::vector<std::string>{"name", "secret", "heartbeat_ms",
                                     "timeout_ms", "shared_memory"}));
  CHECK((names(node_keys(), "node")
         == std::vector<std::string>{"name", "host", "port", "devices", "lanes",
                                     "cache_size", "cache_policy", "view_size",
                                     "prefetch", "host_bytes", "disk_bytes",
                                     "disk_path"}));
}

TEST_CASE("rules speak of keys and words that exist", "[config][rules]") {
  known_names names;
  auto check_key = [&](std::string_view dotted) {
    CAPTURE(dotted);
    auto keys = config_schema();
    CHECK(std::any_of(keys.begin(), keys.end(),
                      [&](const auto& key) { return key.dotted() == dotted; }));
  };
  auto check_word = [&](std::string_view dotted, std::string_view word) {
    CAPTURE(dotted, word);
    const auto& words = allowed_words(key_named(dotted), names);
    CHECK(std::find(words.begin(), words.end(), word) != words.end());
  };
  auto check_condition = [&](const rule_condition& when) {
    if (when.key.empty())
      return;
    check_key(when.key);
    if (!when.word.empty())
      check_word(when.key, when.word);
  };
  for (const auto& rule : default_rules()) {
    check_key(rule.key);
    check_condition(rule.when);
    if (auto* word = std::get_if<std::string>(&rule.value))
      check_word(rule.key, *word);
  }
  for (const auto& rule : unused_rules()) {
    check_key(rule.key);
    check_condition(rule.when);
  }
  for (const auto& rule : refusal_rules()) {
    check_key(rule.key);
    check_condition(rule.when);
    for (const auto& word : rule.words)
      check_word(rule.key, word);
  }
}

TEST_CASE("the description has a row for each key", "[config][schema]") {
  auto text = describe_schema();
  for (const auto& key : config_schema()) {
    CAPTURE(key.dotted());
    CHECK(text.find("| `" + std::string{key.name} + "` | ") != text.npos);
  }
  for (const auto& key : cluster_keys())
    CHECK(text.find("| `" + std::string{key.name} + "` | ") != text.npos);
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(text, ContainsSubstring("### `[[node]]`: one machine"));
  CHECK_THAT(text, ContainsSubstring("| `port` | an integer from 0 to 65535 | "
                                     "required | where it listens"));
  CHECK_THAT(text,
             ContainsSubstring("| `seed` | an integer >= 0 | `1` | same seed"));
  CHECK_THAT(text,
             ContainsSubstring("| `particles` | an integer from 1 to 1000000 | "
                               "`5`; `8` with infer.algorithm svgd; "));
  CHECK_THAT(text, ContainsSubstring(
                       "| `path` | a path | required | where the data is"));
  CHECK_THAT(text, ContainsSubstring("### `[infer]`: how the posterior"));
  CHECK(text.ends_with("|\n"));
}
