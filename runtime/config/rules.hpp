#pragma once

#include "messages/failure.hpp"
#include "runtime/config/schema.hpp"

#include <span>
#include <string_view>
#include <vector>

/// How the keys of a config depend on each other, as tables: defaults by
/// algorithm, data and model; keys that are not used; values that do not go
/// together. Keys are dotted.
namespace posse {

/// Holds where the setting `key` is the text `word`, or is set at all if `word`
/// is empty; an empty key holds always.
struct rule_condition {
  std::string_view key;
  std::string_view word;

  bool holds(const run_config& config) const;

  /// `data.kind = "csv"`, for messages.
  std::string text() const;
};

/// Under `when`, the default of `key` is `value`. Later rows win, and may build
/// on what earlier ones have set.
struct default_rule {
  std::string_view key;
  config_value value;
  rule_condition when;
};

/// Under `when`, `key` is not used.
struct unused_rule {
  std::string_view key;
  rule_condition when;
};

/// Under `when`, `key` may not be one of `words`.
struct refusal_rule {
  std::string_view key;
  std::vector<std::string> words;
  rule_condition when;
};

std::span<const default_rule> default_rules();
std::span<const unused_rule> unused_rules();
std::span<const refusal_rule> refusal_rules();

/// Why `key` has no effect in `config`, or nullptr if it has one.
const rule_condition* why_unused(const run_config& config,
                                 const config_key& key);

} // namespace posse
