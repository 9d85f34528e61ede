#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/diversity.hpp"
#include "runtime/posterior/gaussian_mixture.hpp"
#include "runtime/posterior/posterior_modes.hpp"
#include "runtime/posterior/regression_metrics.hpp"
#include "runtime/posterior/regression_predictive.hpp"
#include "runtime/posterior/stein_discrepancy.hpp"
#include "runtime/posterior/svgd.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/support/catch.hpp"

#include <set>
#include <string>

/// Particles have no order: what is said of all of them is the same for any,
/// but for the rounding of sums in another order.

using namespace posse;
using namespace posse::testing;
using Catch::Approx;

namespace {

constexpr std::int64_t particles = 5;
constexpr std::int64_t points = 17;
// Of sums of a few numbers of about one size.
constexpr double rounding = 1e-12;

/// `x` with its particles, along `axis`, in an order without a fixed point.
at::Tensor permuted(const at::Tensor& x, std::int64_t axis = 0) {
  return x.index_select(axis, at::tensor({3, 0, 4, 1, 2}, at::kLong));
}

regression_members gaussians() {
  return {draws({particles, points}, 61),
          draws({particles, points}, 62).square() + 0.1};
}

regression_members permuted(const regression_members& x) {
  return {permuted(x.means), permuted(*x.variances)};
}

at::Tensor some_logits() {
  return draws({particles, points, 4}, 63) * 2;
}

void check_same(const metric_list& actual, const metric_list& expected) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t k = 0; k < actual.size(); ++k) {
    INFO(actual[k].name);
    CHECK(actual[k].name == expected[k].name);
    CHECK(actual[k].value == Approx(expected[k].value).epsilon(rounding));
  }
}

} // namespace

TEST_CASE("permuting particles permutes their SVGD directions by any bandwidth "
          "rule",
          "[runtime][svgd][permutation]") {
  const auto theta = draws({particles, 30}, 64);
  const auto score = draws({particles, 30}, 65);
  const auto direction = [](const at::Tensor& x, const at::Tensor& s,
                            const bandwidth_rule& rule) {
    auto phi = at::empty_like(x);
    const auto result =
        svgd_direction(x.unbind(0), s.unbind(0), rule, phi.unbind(0));
    REQUIRE(result);
    return std::pair{phi, result->bandwidth};
  };
  for (const bandwidth_rule& rule : {bandwidth_rule{median_pairs_bandwidth{}},
                                     bandwidth_rule{median_all_bandwidth{}},
                                     bandwidth_rule{fixed_bandwidth{20}}}) {
    const auto [phi, h] = direction(theta, score, rule);
    const auto [phi_permuted, h_permuted] =
        direction(permuted(theta), permuted(score), rule);
    CHECK(h_permuted == Approx(h).epsilon(rounding));
    check_close_to_scale(phi_permuted, permuted(phi), rounding);
    CHECK_FALSE(at::allclose(phi_permuted, phi, 1e-3, 1e-3));
  }
}

TEST_CASE("the Stein discrepancy does not depend on the particles' order",
          "[runtime][stein][permutation]") {
  const auto theta = draws({particles, 30}, 66);
  const auto score = draws({particles, 30}, 67);
  for (const auto kind : {kernel_kind::rbf, kernel_kind::linear}) {
    const auto x =
        squared_stein_discrepancy(theta.unbind(0), score.unbind(0), kind, 20);
    const auto y = squared_stein_discrepancy(
        permuted(theta).unbind(0), permuted(score).unbind(0), kind, 20);
    REQUIRE((x && y));
    CHECK(*y == Approx(*x).epsilon(rounding));
  }
}

TEST_CASE("a mixture of Gaussians does not depend on its members' order",
          "[runtime][mixture][permutation]") {
  const std::vector<double> means{0, 1, -2, 0.5, 4};
  const std::vector<double> deviations{1, 0.1, 2, 0.7, 0.3};
  const std::vector<double> other_means{0.5, 0, 4, 1, -2};
  const std::vector<double> other_deviations{0.7, 1, 0.3, 0.1, 2};
  const gaussian_mixture f{means, deviations};
  const gaussian_mixture g{other_means, other_deviations};
  for (const auto y : {-5.0, 0.2, 1.0, 30.0}) {
    CHECK(cdf(g, y) == Approx(cdf(f, y)).epsilon(rounding));
    CHECK(log_density(g, y) == Approx(log_density(f, y)).epsilon(rounding));
    CHECK(crps(g, y) == Approx(crps(f, y)).epsilon(rounding));
  }
  // A quantile is found to 1e-12 of the smallest deviation, either time.
  for (const auto p : {0.05, 0.5, 0.95})
    CHECK(std::abs(quantile(g, p) - quantile(f, p)) < 1e-12);
}

TEST_CASE("regression predictive and metrics do not depend on the particles' "
          "order",
          "[runtime][regression][permutation]") {
  const auto members = gaussians();
  const auto other = permuted(members);
  const auto p = predict_regression(members);
  const auto q = predict_regression(other);
  REQUIRE((p && q));
  check_close_to_scale(q->mean, p->mean, rounding);
  check_close(q->epistemic_variance, p->epistemic_variance, rounding);
  check_close(q->gaussian->variance, p->gaussian->variance, rounding);
  for (const auto quantile : {&regression_predictive::density::q05,
                              &regression_predictive::density::q50,
                              &regression_predictive::density::q95})
    check_close_to_scale((*q->gaussian).*quantile, (*p->gaussian).*quantile,
                         rounding);
  const auto y = draws({points}, 68);
  const auto x = evaluate_regression(members, *p, y);
  const auto z = evaluate_regression(other, *q, y);
  REQUIRE((x && z));
  check_same(to_list(*z), to_list(*x));
  // Those of single members move with them.
  const auto each = evaluate_regression_members(members, y);
  const auto each_permuted = evaluate_regression_members(other, y);
  REQUIRE((each && each_permuted));
  CHECK(to_list(each_permuted->at(0)) == to_list(each->at(3)));
  CHECK(to_list(each_permuted->at(4)) == to_list(each->at(2)));
}

TEST_CASE("classification predictive and metrics do not depend on the "
          "particles' order",
          "[runtime][classification][permutation]") {
  const auto logits = some_logits();
  const auto p = predict_classification(logits);
  const auto q = predict_classification(permuted(logits));
  REQUIRE((p && q));
  check_close(q->probabilities, p->probabilities, rounding);
  CHECK(at::equal(q->predicted, p->predicted));
  check_close(q->entropy, p->entropy, rounding);
  check_close(q->expected_entropy, p->expected_entropy, rounding);
  // A difference of entropies of at most log 4.
  CHECK(
      (q->mutual_information - p->mutual_information).abs().max().item<double>()
      < rounding);
  const auto labels = at::arange(points) % 4;
  const auto x = evaluate_classification(*p, labels);
  const auto y = evaluate_classification(*q, labels);
  REQUIRE((x && y));
  check_same(to_list(*y), to_list(*x));
  const auto each = evaluate_classification_members(logits, labels);
  const auto each_permuted =
      evaluate_classification_members(permuted(logits), labels);
  REQUIRE((each && each_permuted));
  CHECK(to_list(each_permuted->at(0)) == to_list(each->at(3)));
  CHECK(to_list(each_permuted->at(4)) == to_list(each->at(2)));
}

TEST_CASE("diversity does not depend on the particles' order",
          "[runtime][diversity][permutation]") {
  const auto logits = some_logits();
  const auto x = evaluate_classification_diversity(logits);
  const auto y = evaluate_classification_diversity(permuted(logits));
  REQUIRE((x && y));
  check_same(to_list(*y), to_list(*x));
  CHECK(y->collapsed == x->collapsed);

  const auto members = gaussians();
  const auto other = permuted(members);
  const auto p = predict_regression(members);
  const auto q = predict_regression(other);
  REQUIRE((p && q));
  const auto v = evaluate_regression_diversity(members, *p);
  const auto w = evaluate_regression_diversity(other, *q);
  REQUIRE((v && w));
  check_same(to_list(*w), to_list(*v));
  CHECK(w->collapsed == v->collapsed);
}

TEST_CASE("posterior modes that reduce do not depend on the particles' order, "
          "the others follow it",
          "[runtime][modes][permutation]") {
  const std::set<std::string> keeps_members{"pred", "logits", "prob"};
  const auto check = [&](const auto& modes, const at::Tensor& x) {
    for (const auto& mode : modes) {
      INFO(mode.name);
      const auto before = mode.apply(x);
      const auto after = mode.apply(permuted(x, 1));
      REQUIRE((before && after));
      check_close_to_scale(*after,
                           keeps_members.contains(std::string{mode.name})
                               ? permuted(*before, 1)
                               : *before,
                           rounding);
    }
  };
  check(all_regression_modes(), gaussians().means.t());
  check(all_classification_modes(), some_logits().transpose(0, 1));
}
