#pragma once

#include "runtime/config/known_names.hpp"
#include "runtime/config/schema.hpp"

#include <string>

/// The schema and its values in words: for messages, files and documentation.
namespace posse {

/// What `key` takes, for messages and documentation: "an integer >= 1",
/// "a number in (0, 1)", "sgd or adam", "an array of paths".
std::string describe_expected(const config_key& key, const known_names& names);

/// `x` as in messages, "gaussian" in quotes, and as to_toml() prints it.
std::string toml_text(const config_key& key, const config_value& x);

/// All sections and keys as Markdown: one table a section with each key, what
/// it takes, its default (also by algorithm, data and model) and what it is.
std::string describe_schema(const known_names& names = {});

} // namespace posse
