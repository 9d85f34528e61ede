#include "runtime/core/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// Longer than any name: nothing is near to it, and the table stays small.
constexpr std::size_t max_name_length = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
}

} // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows i - 2, i - 1 and i of the table of distances between prefixes.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  auto same = [&](std::size_t i, std::size_t j) {
    return lower(a[i - 1]) == lower(b[j - 1]);
  };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(i, j) ? 0 : 1)});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j))
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest_hint(std::string_view given,
                         std::span<const std::string> known) {
  if (given.size() > max_name_length)
    return {};
  const std::string* nearest = nullptr;
  std::size_t allowed = std::max<std::size_t>(1, given.size() / 3);
  for (const auto& name : known) {
    auto distance = edit_distance(given, name);
    // One letter for another is no typing error of a one-letter name.
    if (distance > allowed || distance >= std::max(given.size(), name.size()))
      continue;
    nearest = &name;
    if (distance == 0)
      break;
    allowed = distance - 1; // the next one has to be nearer
  }
  return nearest ? "; did you mean \"" + *nearest + "\"?" : std::string{};
}

std::string list_names(std::span<const std::string> names) {
  if (names.empty())
    return "nothing";
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i)
    text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

} // namespace posse
