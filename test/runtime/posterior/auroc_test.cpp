#include "runtime/posterior/auroc.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;
using Catch::Approx;

namespace {

double area(const at::Tensor& negatives, const at::Tensor& positives) {
  auto result = auroc(negatives, positives);
  REQUIRE(result);
  return *result;
}

at::Tensor numbers(const std::vector<double>& x) {
  return at::tensor(x, at::kDouble);
}

/// From the definition: every pair, ties half.
double slow_area(const at::Tensor& negatives, const at::Tensor& positives) {
  double won = 0;
  for (std::int64_t i = 0; i < positives.size(0); ++i)
    for (std::int64_t j = 0; j < negatives.size(0); ++j) {
      auto p = positives[i].item<double>();
      auto n = negatives[j].item<double>();
      won += p > n ? 1 : p == n ? 0.5 : 0;
    }
  return won / static_cast<double>(positives.size(0) * negatives.size(0));
}

} // namespace

TEST_CASE("AUROC is the share of pairs in order, ties half",
          "[runtime][auroc]") {
  CHECK(area(numbers({1, 2, 3}), numbers({4, 5})) == 1);
  CHECK(area(numbers({4, 5}), numbers({1, 2, 3})) == 0);
  CHECK(area(numbers({7, 7}), numbers({7, 7, 7})) == 0.5);
  // 2 > 1, 2 = 2, 2 < 3; 3 > 1, 3 > 2, 3 = 3.
  CHECK(area(numbers({3, 1, 2}), numbers({3, 2})) == Approx(4.0 / 6));
  CHECK(area(numbers({1}), numbers({1})) == 0.5);
}

TEST_CASE("AUROC is that of all pairs, and does not depend on order or scale",
          "[runtime][auroc]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(51);
  for (std::int64_t values : {3, 1000000}) { // many ties, and hardly any
    auto n = at::randint(values, {61}, generator, at::kLong).to(at::kDouble);
    auto p = at::randint(values, {47}, generator, at::kLong).to(at::kDouble)
             + 0.2 * static_cast<double>(values);
    p = p.floor();
    auto a = area(n, p);
    CHECK(a == Approx(slow_area(n, p)).epsilon(1e-14));
    CHECK(area(n.flip(0), p.flip(0)) == a);
    CHECK(area((n / 1e6).exp(), (p / 1e6).exp()) == a);
    CHECK(area(-n, -p) == Approx(1 - a).epsilon(1e-14));
    CHECK(area(p, n) == Approx(1 - a).epsilon(1e-14));
    CHECK(area(n.to(at::kFloat), p.to(at::kFloat)) == a);
  }
}

TEST_CASE("a million scores take their AUROC", "[runtime][auroc]") {
  // Every pair would be 2.5e11 comparisons. Uniform, and moved by 1/2: of the
  // pairs 7/8 are in order.
  const std::int64_t n = 500'000;
  auto low = at::arange(n, at::kDouble) / static_cast<double>(n);
  CHECK(area(low, low + 0.5) == Approx(7.0 / 8).epsilon(1e-5));
}

TEST_CASE("AUROC refuses what has no order", "[runtime][auroc]") {
  auto code = [](const at::Tensor& n, const at::Tensor& p) {
    auto x = auroc(n, p);
    REQUIRE_FALSE(x);
    return x.error().code;
  };
  auto good = numbers({1, 2});
  CHECK(code(at::empty({0}, at::kDouble), good) == errc::invalid_argument);
  CHECK(code(good, at::empty({0}, at::kDouble)) == errc::invalid_argument);
  CHECK(code(good, at::zeros({2, 2})) == errc::invalid_argument);
  CHECK(code(good, at::zeros({2}, at::kLong)) == errc::invalid_argument);
  CHECK(code(good, numbers({1, std::numeric_limits<double>::quiet_NaN()}))
        == errc::non_finite);
}
