#include "runtime/data/splits.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/draws.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace posse {

namespace {

expected<std::vector<std::uint32_t>>
parse_split(const std::string& where, std::string_view line, std::size_t rows) {
  std::vector<std::uint32_t> result;
  std::vector<bool> seen(rows);
  for (bool more = true; more;) {
    more = line.find(',') != std::string_view::npos;
    auto field = trimmed(take_until(line, ','));
    std::uint64_t row = 0;
    const auto* end = field.data() + field.size();
    auto [stop, error] = std::from_chars(field.data(), end, row);
    bool whole = stop == end && error != std::errc::invalid_argument;
    if (!whole || field.empty())
      return fail(errc::invalid_data,
                  concat(where, ": expected a row number (0, 1, ...), got ",
                         excerpt(field)));
    if (error == std::errc::result_out_of_range || row >= rows)
      return fail(errc::invalid_data,
                  concat(where, ": expected row numbers from 0 to ", rows - 1,
                         ", got ", excerpt(field)));
    if (seen[row])
      return fail(
          errc::invalid_data,
          concat(where, ": expected each row once, got row ", row, " twice"));
    seen[row] = true;
    result.push_back(static_cast<std::uint32_t>(row));
  }
  if (result.size() == rows)
    return fail(errc::invalid_data,
                concat(where, ": expected rows left to train on, got all ",
                       rows, " as test rows"));
  return result;
}

} // namespace

expected<std::vector<std::uint32_t>>
read_split(const std::filesystem::path& path, std::int64_t split,
           std::size_t rows) {
  auto text = read_data_file(path);
  if (!text)
    return fail(std::move(text));
  return guarded("read splits", [&]() -> expected<std::vector<std::uint32_t>> {
    auto rest = std::string_view{*text};
    auto last = rest.find_last_not_of("\r\n \t");
    rest = rest.substr(0, last == std::string_view::npos ? 0 : last + 1);
    std::int64_t lines = 0;
    for (; !rest.empty(); ++lines) {
      auto line = take_until(rest, '\n');
      if (line.ends_with('\r'))
        line.remove_suffix(1);
      if (lines == split)
        return parse_split(concat(path.string(), ":", lines + 1), line, rows);
    }
    return fail(errc::invalid_data,
                concat(path.string(), ": expected split ", split,
                       " (from 0), got a file of ", lines, " splits"));
  });
}

std::vector<std::uint32_t> draw_split(std::size_t rows, double fraction,
                                      std::uint64_t seed, std::int64_t split) {
  auto wanted = std::llround(fraction * static_cast<double>(rows));
  auto count = std::clamp(wanted, 1LL, static_cast<long long>(rows) - 1);
  auto order = permutation(
      static_cast<std::uint32_t>(rows),
      {draw_purpose::test_rows, {seed, static_cast<std::uint64_t>(split)}});
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<std::uint32_t>
take_validation_rows(std::vector<std::uint32_t>& training_rows, double fraction,
                     std::uint64_t seed) {
  auto rows = training_rows.size();
  auto wanted = std::llround(fraction * static_cast<double>(rows));
  auto count = std::clamp(wanted, 0LL, static_cast<long long>(rows) - 1);
  auto places = permutation(static_cast<std::uint32_t>(rows),
                            {draw_purpose::validation_rows, {seed}});
  places.resize(static_cast<std::size_t>(count));
  std::vector<bool> is_taken(rows);
  for (auto place : places)
    is_taken[place] = true;
  std::vector<std::uint32_t> taken;
  std::vector<std::uint32_t> kept;
  for (std::size_t place = 0; place < rows; ++place)
    (is_taken[place] ? taken : kept).push_back(training_rows[place]);
  training_rows = std::move(kept);
  return taken;
}

std::vector<std::uint32_t> other_rows(std::size_t rows,
                                      const std::vector<std::uint32_t>& taken) {
  std::vector<bool> is_taken(rows);
  for (auto row : taken)
    is_taken[row] = true;
  std::vector<std::uint32_t> others;
  others.reserve(rows - taken.size());
  for (std::size_t row = 0; row < rows; ++row)
    if (!is_taken[row])
      others.push_back(static_cast<std::uint32_t>(row));
  return others;
}

} // namespace posse
