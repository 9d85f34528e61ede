#pragma once

#include "runtime/posterior/metric.hpp"
#include "test/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

namespace posse {

/// For Catch2's messages: c10 prints any vector by its elements' operator.
inline std::ostream& operator<<(std::ostream& out, const metric& x) {
  return out << x.name << " = " << x.value;
}

} // namespace posse

namespace posse::testing {

/// One case of test/data/reference/*.json; see the README there.
struct reference_case {
  std::string name;
  nlohmann::json inputs;
  nlohmann::json outputs;
};

/// All cases of `file`, for a GENERATE(from_range(...)) or a loop.
inline std::vector<reference_case> reference_cases(const std::string& file) {
  const auto* root = std::getenv("POSSE_TEST_DATA");
  INFO("POSSE_TEST_DATA is the folder test/data");
  REQUIRE(root != nullptr);
  std::ifstream in{std::filesystem::path{root} / "reference" / file};
  REQUIRE(in.is_open());
  const auto file_content = nlohmann::json::parse(in);
  std::vector<reference_case> result;
  for (const auto& x : file_content.at("cases"))
    result.push_back({x.at("name"), x.at("inputs"), x.at("outputs")});
  REQUIRE_FALSE(result.empty());
  return result;
}

inline void flatten(const nlohmann::json& x, std::vector<double>& out) {
  if (!x.is_array()) {
    out.push_back(x.get<double>());
    return;
  }
  for (const auto& element : x)
    flatten(element, out);
}

/// Nested lists of numbers as a float64 tensor.
inline at::Tensor tensor_of(const nlohmann::json& x) {
  std::vector<std::int64_t> shape;
  for (const auto* level = &x; level->is_array(); level = &level->front())
    shape.push_back(static_cast<std::int64_t>(level->size()));
  std::vector<double> values;
  flatten(x, values);
  return at::tensor(values, at::kDouble).view(shape);
}

/// Every element within `relative` of its own expected size.
inline void check_close(const at::Tensor& actual, const at::Tensor& expected,
                        double relative) {
  REQUIRE(actual.sizes() == expected.sizes());
  auto excess =
      (actual.to(at::kDouble) - expected).abs() - relative * expected.abs();
  INFO("actual " << actual << "\nexpected " << expected);
  CHECK(excess.le(0).all().item<bool>());
}

/// Every element within `relative` of the largest one's size: for elements that
/// are differences of larger numbers.
inline void check_close_to_scale(const at::Tensor& actual,
                                 const at::Tensor& expected, double relative) {
  REQUIRE(actual.sizes() == expected.sizes());
  auto error = (actual.to(at::kDouble) - expected).abs().max().item<double>();
  INFO("actual " << actual << "\nexpected " << expected);
  CHECK(error <= relative * expected.abs().max().item<double>());
}

} // namespace posse::testing
