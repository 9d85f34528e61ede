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

expected<std::string> format_table(std::size_t rows,
                                   const std::vector<columns>& table) {
  std::string text;
  for (const auto& x : table) {
    auto size = std::visit([](auto values) { return values.size(); }, x.values);
    if (size != rows * x.names.size())
      return fail(errc::invalid_argument,
                  "predictions: column " + x.names.front() + ": expected "
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
  return text;
}

template <class Predictions>
expected<void> write(const std::filesystem::path& path,
                     const Predictions& predictions) {
  auto text = format_predictions(predictions);
  if (!text)
    return fail(text.error().code, path.string() + ": " + text.error().message);
  return write_file_atomically(path, *text);
}

} // namespace

expected<std::string>
format_predictions(const regression_predictions& predictions) {
  return guarded("predictions", [&] {
    const auto& x = predictions;
    std::vector<columns> table{column("row", x.row)};
    // Without rows, every column of densities stays.
    auto add_known = [&](std::string name, const std::vector<double>& values) {
      if (!values.empty() || x.row.empty())
        table.push_back(column(std::move(name), values));
    };
    if (!x.target.empty())
      table.push_back(column("target", x.target));
    table.push_back(column("mean", x.mean));
    table.push_back(column("std", x.std));
    add_known("aleatoric_std", x.aleatoric_std);
    table.push_back(column("epistemic_std", x.epistemic_std));
    add_known("q05", x.q05);
    add_known("q50", x.q50);
    add_known("q95", x.q95);
    return format_table(x.row.size(), table);
  });
}

expected<std::string>
format_predictions(const classification_predictions& predictions) {
  return guarded("predictions", [&]() -> expected<std::string> {
    const auto& x = predictions;
    if (x.classes == 0)
      return fail(errc::invalid_argument,
                  "predictions: expected at least one class, got 0");
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
    return format_table(x.row.size(), table);
  });
}

expected<void> write_predictions(const std::filesystem::path& path,
                                 const regression_predictions& predictions) {
  return write(path, predictions);
}

expected<void>
write_predictions(const std::filesystem::path& path,
                  const classification_predictions& predictions) {
  return write(path, predictions);
}

} // namespace posse
