#include "runtime/checkpoint/prediction_file.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace posse {

namespace {

/// Some columns of the file: the values of row r are
/// values[r * names.size()] and those behind it.
struct columns {
  std::vector<std::string> names;
  std::variant<std::span<const std::int64_t>, std::span<const double>> values;
};

template <class T>
columns column(std::string name, const std::vector<T>& values) {
  return {{std::move(name)}, std::span{values}};
}

void append(std::string& text, std::int64_t x) {
  text += std::to_string(x);
}

void append(std::string& text, double x) {
  if (std::isnan(x)) { // to_chars would also tell its sign
    text += "nan";
    return;
  }
  std::array<char, 32> digits; // the longest double takes 24
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr;
  text.append(digits.data(), end);
}

expected<void> write_table(const std::filesystem::path& path, std::size_t rows,
                           const std::vector<columns>& table) {
  std::string text;
  for (const auto& x : table) {
    auto size = std::visit([](auto values) { return values.size(); }, x.values);
    if (size != rows * x.names.size())
      return fail(errc::invalid_argument,
                  path.string() + ": column " + x.names.front() + ": expected "
                      + std::to_string(rows * x.names.size()) + " values, got "
                      + std::to_string(size));
    for (const auto& name : x.names)
      text += name + ',';
  }
  text.back() = '\n';
  for (std::size_t row = 0; row < rows; ++row) {
    for (const auto& x : table)
      std::visit(
          [&](auto values) {
            auto width = x.names.size();
            for (auto value : values.subspan(row * width, width)) {
              append(text, value);
              text += ',';
            }
          },
          x.values);
    text.back() = '\n';
  }
  return write_file_atomically(path, text);
}

} // namespace

expected<void> write_predictions(const std::filesystem::path& path,
                                 const regression_predictions& predictions) {
  return guarded(path.string(), [&] {
    const auto& x = predictions;
    std::vector<columns> table{column("row", x.row)};
    if (!x.target.empty())
      table.push_back(column("target", x.target));
    table.push_back(column("mean", x.mean));
    table.push_back(column("std", x.std));
    table.push_back(column("aleatoric_std", x.aleatoric_std));
    table.push_back(column("epistemic_std", x.epistemic_std));
    table.push_back(column("q05", x.q05));
    table.push_back(column("q50", x.q50));
    table.push_back(column("q95", x.q95));
    return write_table(path, x.row.size(), table);
  });
}

expected<void>
write_predictions(const std::filesystem::path& path,
                  const classification_predictions& predictions) {
  return guarded(path.string(), [&]() -> expected<void> {
    const auto& x = predictions;
    if (x.classes == 0)
      return fail(errc::invalid_argument,
                  path.string() + ": expected at least one class, got 0");
    std::vector<columns> table{column("row", x.row)};
    if (!x.target.empty())
      table.push_back(column("target", x.target));
    table.push_back(column("predicted", x.predicted));
    table.push_back(column("entropy", x.entropy));
    table.push_back(column("mutual_information", x.mutual_information));
    columns probabilities{{}, std::span{x.probabilities}};
    for (std::size_t k = 0; k < x.classes; ++k)
      probabilities.names.push_back("p" + std::to_string(k));
    table.push_back(std::move(probabilities));
    return write_table(path, x.row.size(), table);
  });
}

} // namespace posse
