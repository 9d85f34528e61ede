#include "runtime/core/registry.hpp"

#include <algorithm>
#include <numeric>

namespace posse {

namespace {

/// Levenshtein's distance: the fewest insertions, deletions and substitutions
/// of a character that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The known name that `name` is most likely a misspelling of, or nullptr if
/// none shares at least half of its letters.
const std::string* nearest(std::string_view name,
                           const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  auto closest = name.size() / 2 + 1;
  for (const auto& candidate : known) {
    if (auto distance = edit_distance(name, candidate); distance < closest) {
      closest = distance;
      best = &candidate;
    }
  }
  return best;
}

} // namespace

failure unknown_name(std::string_view noun, std::string_view name,
                     const std::vector<std::string>& known) {
  auto text = "unknown " + std::string{noun} + " \"" + std::string{name} + "\"";
  if (const auto* hint = nearest(name, known))
    text += "; did you mean \"" + *hint + "\"?";
  else
    text += ";";
  text += " known: ";
  if (known.empty())
    text += "none";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i == 0 ? "" : ", ") + known[i];
  return {errc::unknown_name, std::move(text)};
}

} // namespace posse
