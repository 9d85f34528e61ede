#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace posse {

/// How many edits turn `a` into `b`: insertions, deletions, substitutions and
/// swaps of neighbours, letters compared without case (optimal string alignment
/// distance; Boytsov, ACM JEA 2011, section 2.2).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// What to add to "unknown name" errors: `; did you mean "adam"?` for the known
/// name nearest to `given`, the first of them if several are, or "" if none is
/// within one edit per three letters of `given` (and at least one).
std::string nearest_hint(std::string_view given,
                         std::span<const std::string> known);

/// The names for a sentence: "a", "a or b", "a, b or c"; "nothing" if empty.
std::string list_names(std::span<const std::string> names);

} // namespace posse
