#include "runtime/config/rules.hpp"
#include "runtime/config/schema.hpp"
#include "runtime/config/schema_text.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <set>
#include <string>

using namespace posse;

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
  CHECK(seen.size() == 40); // all that the interface has
  CHECK(find_key("infer", "seed") == nullptr);
}

TEST_CASE("setting a key changes what it gets, and no other key",
          "[config][schema]") {
  for (const auto& key : config_schema()) {
    CAPTURE(key.dotted());
    run_config config;
    // A value of the key's kind that is no default.
    config_value other;
    switch (key.kind) {
    case value_kind::boolean:
      other = !std::get<bool>(*key.get(config));
      break;
    case value_kind::integer:
      other = std::int64_t{17};
      break;
    case value_kind::real:
      other = 0.375;
      break;
    case value_kind::text:
    case value_kind::text_or_real:
      other = std::string{key.name == "fuse" ? "off" : "other"};
      break;
    case value_kind::path:
      other = std::filesystem::path{"other"};
      break;
    case value_kind::integer_list:
      other = std::vector<std::int64_t>{1, 2};
      break;
    case value_kind::path_list:
      other = std::vector<std::filesystem::path>{"a", "b"};
      break;
    case value_kind::device_list:
      other = std::vector<device_entry>{{"sim:3", 5}};
      break;
    }
    key.set(config, other);
    CHECK(key.get(config) == other);
    CHECK_FALSE(config == run_config{});
    for (const auto& untouched : config_schema())
      if (&untouched != &key)
        CHECK(untouched.get(config) == untouched.get(run_config{}));
  }
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
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(text,
             ContainsSubstring("| `seed` | an integer >= 0 | `1` | same seed"));
  CHECK_THAT(text,
             ContainsSubstring("| `particles` | an integer from 1 to 1000000 | "
                               "`5`; `8` with infer.algorithm svgd | "));
  CHECK_THAT(text, ContainsSubstring(
                       "| `path` | a path | required | where the data is"));
  CHECK_THAT(text, ContainsSubstring("### `[infer]`: how the posterior"));
  CHECK(text.ends_with("|\n"));
}
