#include "runtime/checkpoint/prediction_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/csv.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace posse {

namespace {

/// The columns of one file, taken out by name.
class prediction_reader {
public:
  prediction_reader(const std::filesystem::path& path, const table& from)
      : path_{path}, from_{from} {}

  expected<prediction_table> read() {
    if (from_.find("predicted"))
      return read_classes().map([](auto x) { return prediction_table{x}; });
    return read_numbers().map([](auto x) { return prediction_table{x}; });
  }

private:
  tl::unexpected<failure> refuse(const std::string& what) const {
    return fail(errc::invalid_data, path_.string() + ": " + what);
  }

  bool numbers(const std::string& name, std::vector<double>& out, bool required,
               bool may_be_negative = true) {
    const auto column = from_.find(name);
    if (!column) {
      if (required)
        problem_ = "expected a column \"" + name + "\" of predictions";
      return !required;
    }
    out.reserve(from_.rows);
    for (std::size_t row = 0; row < from_.rows; ++row) {
      const auto x = from_.at(row, *column);
      // An entropy that is 0 but for rounding may be below.
      if (x < -1e-9 && !may_be_negative) {
        problem_ = concat("column \"", name,
                          "\": expected no negative number, "
                          "got ",
                          x, " in line ", row + 2);
        return false;
      }
      out.push_back(may_be_negative ? x : std::max(x, 0.0));
    }
    return true;
  }

  /// @param limit What every number is below.
  bool integers(const std::string& name, std::vector<std::int64_t>& out,
                bool required, double limit = 0x1p53) {
    std::vector<double> plain;
    if (!numbers(name, plain, required, false))
      return false;
    for (std::size_t row = 0; row < plain.size(); ++row) {
      if (plain[row] != std::floor(plain[row]) || plain[row] >= limit) {
        problem_ = concat("column \"", name, "\": expected an integer below ",
                          limit, ", got ", plain[row], " in line ", row + 2);
        return false;
      }
      out.push_back(static_cast<std::int64_t>(plain[row]));
    }
    return true;
  }

  expected<regression_predictions> read_numbers() {
    regression_predictions out;
    const bool good =
        integers("row", out.row, true) && numbers("target", out.target, false)
        && numbers("mean", out.mean, true)
        && numbers("std", out.std, true, false)
        && numbers("aleatoric_std", out.aleatoric_std, false, false)
        && numbers("epistemic_std", out.epistemic_std, true, false)
        && numbers("q05", out.q05, false)
        && numbers("q50", out.q50, !out.q05.empty())
        && numbers("q95", out.q95, !out.q05.empty());
    if (!good)
      return refuse(problem_);
    return out;
  }

  expected<classification_predictions> read_classes() {
    classification_predictions out;
    while (from_.find("p" + std::to_string(out.classes)))
      ++out.classes;
    if (out.classes == 0)
      return refuse("expected a column \"p0\" of probabilities");
    const auto classes = static_cast<double>(out.classes);
    if (!integers("row", out.row, true)
        || !integers("target", out.target, false, classes)
        || !integers("predicted", out.predicted, true, classes)
        || !numbers("entropy", out.entropy, true, false)
        || !numbers("mutual_information", out.mutual_information, true, false))
      return refuse(problem_);
    std::vector<std::vector<double>> probabilities(out.classes);
    for (std::size_t k = 0; k < out.classes; ++k)
      if (!numbers("p" + std::to_string(k), probabilities[k], true, false))
        return refuse(problem_);
    out.probabilities.reserve(from_.rows * out.classes);
    for (std::size_t row = 0; row < from_.rows; ++row)
      for (const auto& column : probabilities)
        out.probabilities.push_back(column[row]);
    return out;
  }

  const std::filesystem::path& path_;
  const table& from_;
  std::string problem_;
};

} // namespace

expected<prediction_table> read_predictions(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<prediction_table> {
    auto from = read_csv(path);
    if (!from)
      return fail(std::move(from));
    return prediction_reader{path, *from}.read();
  });
}

} // namespace posse
