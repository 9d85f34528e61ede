#pragma once

#include "messages/failure.hpp"
#include "runtime/config/known_names.hpp"
#include "runtime/config/run_config.hpp"

#include <toml++/toml.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// From a TOML document, and from `--set`, to the settings of a config. Only
/// the .cpp files of this room include this: toml++ takes seconds to compile.
namespace posse {

/// A value for `section.name`, which may be unknown.
struct assignment {
  std::string section; ///< "" above all sections; "node[1]" in a [[node]]
  std::string name;
  const toml::node* value;
  std::size_t line;                ///< in the file, from 1
  std::optional<std::size_t> node; ///< which [[node]], from 0

  /// "infer.batch", "node[1].port", or the name alone.
  std::string dotted() const;
};

/// Where assignments stand, for errors: in a file, or in `--set` without one.
struct place {
  std::optional<std::string> file;
  std::filesystem::path folder; ///< what paths are relative to

  /// "energy.toml:12: infer.batch", or "--set infer.batch".
  std::string where(std::string_view key, std::size_t line) const;
};

/// Everything that the document assigns, in the order of its lines; the lines
/// of the sections go into `origins`. What stands above all sections and is no
/// section has an empty one.
std::vector<assignment> list_assignments(const toml::table& document,
                                         key_origins& origins);

/// Gives `config` as many nodes as the document has, all of them unset, and no
/// cluster if it has neither [cluster] nor [[node]].
///
/// @returns errc::invalid_config if there are more than max_nodes.
[[nodiscard]] expected<void>
make_nodes(run_config& config, const toml::table& document, const place& at);

/// Makes one setting, if it is known and its value is right.
///
/// @param config Has the nodes that `a` may name.
[[nodiscard]] expected<void> assign(run_config& config, const assignment& a,
                                    const place& at, const known_names& names);

/// The same for an argument of `--set`: `key.path=value`.
[[nodiscard]] expected<void>
assign_set(run_config& config, std::string_view text, const known_names& names);

} // namespace posse
