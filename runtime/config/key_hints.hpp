#pragma once

#include <string>
#include <string_view>

/// Which sections and keys there are, for what a file or `--set` names.
namespace posse {

/// Whether `name` is a section of a run's settings: "infer".
bool is_run_section(std::string_view name);

/// Whether `name` is a section with keys: one of a run, or "cluster". [[node]]
/// is none: it is an array of tables.
bool is_section(std::string_view name);

/// What to add where `section` ("infer", "cluster" or "node") has no key
/// `name`: `; did you mean "infer.batch"?` for a key of this name in another
/// section, the nearest of this section, or else all of this section.
std::string hint_for_key(std::string_view section, std::string_view name);

/// The same for what stands above all sections.
std::string hint_for_top(std::string_view name);

} // namespace posse
