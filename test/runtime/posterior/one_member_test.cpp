#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/posterior_modes.hpp"
#include "runtime/posterior/regression_metrics.hpp"
#include "runtime/posterior/regression_predictive.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/svgd_rows.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <numbers>

/// A mixture of one member is that member: all that is said of M members has
/// its plain formula for one.

using namespace posse;
using namespace posse::testing;
using Catch::Approx;

namespace {

constexpr std::int64_t points = 12;
constexpr double z95 = 1.6448536269514722; // the normal's 0.95 quantile

regression_members one_gaussian() {
  return {draws({1, points}, 51) * 3, draws({1, points}, 52).square() + 0.1};
}

/// Gneiting & Raftery (JASA 2007), eq. 21.
double crps_by_formula(double mean, double sd, double y) {
  const auto w = (y - mean) / sd;
  const auto density = std::exp(-w * w / 2) / std::sqrt(2 * std::numbers::pi);
  const auto twice_cdf = std::erfc(-w / std::numbers::sqrt2);
  return sd
         * (w * (twice_cdf - 1) + 2 * density
            - 1 / std::sqrt(std::numbers::pi));
}

double item(const at::Tensor& x, std::int64_t i) {
  return x[i].item<double>();
}

} // namespace

TEST_CASE("the regression predictive of one member is its Gaussian",
          "[runtime][regression][one_member]") {
  const auto members = one_gaussian();
  const auto mean = members.means[0];
  const auto variance = (*members.variances)[0];
  const auto sd = variance.sqrt();
  const auto p = predict_regression(members);
  REQUIRE(p);
  CHECK(at::equal(p->mean, mean));
  CHECK(at::equal(p->epistemic_variance, at::zeros_like(mean)));
  REQUIRE(p->gaussian);
  CHECK(at::equal(p->gaussian->aleatoric_variance, variance));
  CHECK(at::equal(p->gaussian->variance, variance));
  // 1e-12 of the largest: a quantile near 0 is a difference of larger numbers.
  check_close_to_scale(p->gaussian->q05, mean - z95 * sd, 1e-12);
  check_close_to_scale(p->gaussian->q50, mean, 1e-12);
  check_close_to_scale(p->gaussian->q95, mean + z95 * sd, 1e-12);
}

TEST_CASE("the regression metrics of one member are those of its Gaussian",
          "[runtime][regression][one_member]") {
  const auto members = one_gaussian();
  const auto mean = members.means[0];
  const auto variance = (*members.variances)[0];
  const auto sd = variance.sqrt();
  // Two deviations off: some targets lie in the 90 % interval, some do not.
  const auto y = mean + 2 * sd * draws({points}, 53);
  const auto p = predict_regression(members);
  REQUIRE(p);
  const auto x = evaluate_regression(members, *p, y);
  REQUIRE(x);
  REQUIRE(x->gaussian);
  double nll = 0;
  double crps = 0;
  double inside = 0;
  double score = 0;
  for (std::int64_t i = 0; i < points; ++i) {
    const auto error = item(y, i) - item(mean, i);
    const auto v = item(variance, i);
    nll += std::log(2 * std::numbers::pi * v) / 2 + error * error / (2 * v);
    crps += crps_by_formula(item(mean, i), std::sqrt(v), item(y, i));
    const auto miss = std::abs(error) - z95 * std::sqrt(v);
    inside += miss <= 0 ? 1 : 0;
    score += 2 * z95 * std::sqrt(v) + 20 * std::max(miss, 0.0);
  }
  REQUIRE(inside > 0);
  REQUIRE(inside < points);
  CHECK(x->gaussian->nll == Approx(nll / points).epsilon(1e-12));
  CHECK(x->gaussian->nll_moment == Approx(nll / points).epsilon(1e-12));
  // 1e-10: close to the mean it is a difference of two larger numbers.
  CHECK(x->gaussian->crps == Approx(crps / points).epsilon(1e-10));
  CHECK(x->gaussian->crps_moment == Approx(crps / points).epsilon(1e-10));
  CHECK(x->gaussian->coverage_90 == Approx(inside / points));
  CHECK(x->gaussian->sharpness_90
        == Approx(2 * z95 * sd.mean().item<double>()).epsilon(1e-12));
  CHECK(x->gaussian->interval_score_90
        == Approx(score / points).epsilon(1e-10));
  CHECK(x->rmse
        == Approx(std::sqrt((y - mean).square().mean().item<double>())));
  CHECK(x->mae == Approx((y - mean).abs().mean().item<double>()));
}

TEST_CASE("the classification predictive of one member is its softmax, with no "
          "mutual information",
          "[runtime][classification][one_member]") {
  const auto logits = draws({1, points, 4}, 54) * 3;
  const auto p = predict_classification(logits);
  REQUIRE(p);
  const auto probabilities = logits[0].softmax(-1);
  const auto entropy = -(probabilities * probabilities.log()).sum(-1);
  check_close(p->probabilities, probabilities, 1e-14);
  check_close_to_scale(p->log_probabilities, probabilities.log(), 1e-14);
  CHECK(at::equal(p->predicted, logits[0].argmax(-1)));
  check_close_to_scale(p->entropy, entropy, 1e-14);
  check_close_to_scale(p->expected_entropy, entropy, 1e-14);
  // Two entropies of at most log 4, rounded alike but for the last bits.
  CHECK(p->mutual_information.min().item<double>() >= 0);
  CHECK(p->mutual_information.max().item<double>() < 1e-14);

  const auto labels = at::arange(points) % 4;
  const auto x = evaluate_classification(*p, labels);
  REQUIRE(x);
  const auto own = probabilities.gather(1, labels.unsqueeze(1));
  CHECK(x->nll == Approx(-own.log().mean().item<double>()).epsilon(1e-12));
  CHECK(x->brier
        == Approx(((probabilities - at::one_hot(labels, 4)).square().sum(1))
                      .mean()
                      .item<double>())
               .epsilon(1e-12));
}

TEST_CASE("members that are equal predict as one of them",
          "[runtime][mixture][one_member]") {
  const auto one = one_gaussian();
  const regression_members three{one.means.expand({3, points}),
                                 one.variances->expand({3, points})};
  const auto y = draws({points}, 55);
  const auto score = [&](const regression_members& members) {
    const auto p = predict_regression(members);
    REQUIRE(p);
    const auto x = evaluate_regression(members, *p, y);
    REQUIRE(x);
    return to_list(*x);
  };
  const auto alone = score(one);
  const auto all = score(three);
  REQUIRE(alone.size() == all.size());
  for (std::size_t k = 0; k < alone.size(); ++k) {
    INFO(alone[k].name);
    CHECK(all[k].name == alone[k].name);
    CHECK(all[k].value == Approx(alone[k].value).epsilon(1e-10));
  }
  const auto logits = draws({1, points, 4}, 56);
  const auto p = predict_classification(logits);
  const auto q = predict_classification(logits.expand({3, points, 4}));
  REQUIRE((p && q));
  check_close(q->probabilities, p->probabilities, 1e-13);
  check_close(q->entropy, p->entropy, 1e-13);
  CHECK(q->mutual_information.max().item<double>() < 1e-14);
}

TEST_CASE("the posterior modes of one member are its prediction, with a spread "
          "that is not a number",
          "[runtime][modes][one_member]") {
  const auto x = draws({points, 1}, 57);
  for (const auto& mode : all_regression_modes()) {
    INFO(mode.name);
    const auto result = mode.apply(x);
    REQUIRE(result);
    if (mode.name == "std")
      CHECK(result->isnan().all().item<bool>());
    else
      CHECK(at::equal(*result, mode.name == "pred" ? x : x.squeeze(1)));
  }
  const auto logits = draws({points, 1, 4}, 58);
  const auto probabilities = logits.softmax(-1);
  for (const auto& mode : all_classification_modes()) {
    INFO(mode.name);
    const auto result = mode.apply(logits);
    REQUIRE(result);
    if (mode.name == "std")
      CHECK(result->isnan().all().item<bool>());
    else if (mode.name == "logits")
      CHECK(at::equal(*result, logits));
    else if (mode.name == "prob")
      check_close(*result, probabilities, 1e-14);
    else if (mode.name == "mean_prob")
      check_close(*result, probabilities.squeeze(1), 1e-14);
    else {
      REQUIRE(mode.name == "mode");
      CHECK(at::equal(*result, logits.squeeze(1).argmax(-1)));
    }
  }
}
