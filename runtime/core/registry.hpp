#pragma once

#include "messages/failure.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posse {

/// errc::unknown_name for a name that a list does not hold:
/// `unknown optimizer "adm"; did you mean "adam"? known: adam, sgd`.
///
/// @param noun What the names name, in the singular: "optimizer".
failure unknown_name(std::string_view noun, std::string_view name,
                     const std::vector<std::string>& known);

/// Entries by name. What other systems pass as a function travels here as a
/// name (a network, a loss, an optimizer), so that it means the same in every
/// process.
///
/// Filled by plain function calls before the first run, read by any number of
/// threads afterwards: add() and find() must not overlap.
template <class T>
class registry {
public:
  using entries = std::map<std::string, T, std::less<>>;

  /// @param noun What an entry is, in the singular, for errors: "optimizer".
  explicit registry(std::string noun, entries builtins = {})
      : noun_{std::move(noun)}, entries_{std::move(builtins)} {}

  /// Adds an entry; errc::invalid_argument if the name is taken, since a
  /// plugin that silently replaced "adam" would change every run.
  expected<void> add(std::string name, T entry) {
    if (entries_.contains(name))
      return fail(errc::invalid_argument,
                  noun_ + " \"" + name + "\" is there already");
    entries_.emplace(std::move(name), std::move(entry));
    return {};
  }

  /// @returns the entry, valid as long as the registry; or errc::unknown_name
  ///   with the nearest name and all known ones.
  [[nodiscard]] expected<const T*> find(std::string_view name) const {
    if (auto i = entries_.find(name); i != entries_.end())
      return &i->second;
    return tl::unexpected<failure>{unknown_name(noun_, name, names())};
  }

  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    result.reserve(entries_.size());
    for (const auto& [name, entry] : entries_)
      result.push_back(name);
    return result;
  }

private:
  std::string noun_;
  entries entries_;
};

} // namespace posse
