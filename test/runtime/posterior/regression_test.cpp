#include "runtime/posterior/regression_metrics.hpp"
#include "runtime/posterior/regression_predictive.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <limits>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

regression_members members_of(const reference_case& c) {
  return {tensor_of(c.inputs["means"]), tensor_of(c.inputs["variances"])};
}

regression_predictive predict(const regression_members& members) {
  auto result = predict_regression(members);
  REQUIRE(result);
  return *result;
}

regression_metrics evaluate(const regression_members& members,
                            const at::Tensor& targets) {
  auto result = evaluate_regression(members, predict(members), targets);
  REQUIRE(result);
  return *result;
}

std::vector<std::string> names(const metric_list& x) {
  std::vector<std::string> result;
  for (const auto& m : x)
    result.push_back(m.name);
  return result;
}

double mean_of(const nlohmann::json& x) {
  return tensor_of(x).mean().item<double>();
}

} // namespace

TEST_CASE("a regression ensemble predicts and scores as the reference does",
          "[runtime][regression]") {
  for (const auto& c : reference_cases("regression.json")) {
    INFO(c.name);
    const auto& out = c.outputs;
    auto members = members_of(c);
    auto p = predict(members);
    check_close(p.mean, tensor_of(out["mean"]), 1e-12);
    REQUIRE(p.gaussian);
    check_close(p.gaussian->variance, tensor_of(out["variance"]), 1e-10);
    check_close(p.gaussian->aleatoric_variance,
                tensor_of(out["aleatoric_variance"]), 1e-12);
    check_close(p.epistemic_variance, tensor_of(out["epistemic_variance"]),
                1e-10);
    auto y = tensor_of(c.inputs["y"]);
    auto x = evaluate(members, y);
    REQUIRE(x.gaussian);
    CHECK(x.rmse == Approx(out["rmse"].get<double>()).epsilon(1e-12));
    CHECK(x.mae
          == Approx((tensor_of(out["mean"]) - y).abs().mean().item<double>())
                 .epsilon(1e-12));
    CHECK(x.gaussian->nll
          == Approx(out["mixture_nll"].get<double>()).epsilon(1e-12));
    CHECK(x.gaussian->nll_moment
          == Approx(out["nll"].get<double>()).epsilon(1e-10));
    CHECK(x.gaussian->crps
          == Approx(mean_of(out["crps_of_mixture"])).epsilon(1e-10));
    CHECK(x.gaussian->crps_moment
          == Approx(mean_of(out["crps_of_moment_gaussian"])).epsilon(1e-10));
    // Point by point too: an average can hide two errors.
    for (std::int64_t i = 0; i < y.size(0); ++i) {
      auto n = static_cast<std::size_t>(i);
      auto one = evaluate(
          {members.means.narrow(1, i, 1), members.variances->narrow(1, i, 1)},
          y.narrow(0, i, 1));
      CHECK(one.gaussian->nll
            == Approx(out["mixture_nll_each"][n].get<double>()).epsilon(1e-12));
      CHECK(one.gaussian->nll_moment
            == Approx(out["nll_each"][n].get<double>()).epsilon(1e-10));
      CHECK(one.gaussian->crps
            == Approx(out["crps_of_mixture"][n].get<double>()).epsilon(1e-10));
      CHECK(one.gaussian->crps_moment
            == Approx(out["crps_of_moment_gaussian"][n].get<double>())
                   .epsilon(1e-10));
    }
  }
}

TEST_CASE("float32 members score as the reference to 1e-5",
          "[runtime][regression]") {
  for (const auto& c : reference_cases("regression.json")) {
    auto members = members_of(c);
    auto x = evaluate(
        {members.means.to(at::kFloat), members.variances->to(at::kFloat)},
        tensor_of(c.inputs["y"]).to(at::kFloat));
    CHECK(x.gaussian->nll
          == Approx(c.outputs["mixture_nll"].get<double>()).epsilon(1e-5));
    CHECK(x.rmse == Approx(c.outputs["rmse"].get<double>()).epsilon(1e-5));
  }
}

TEST_CASE("members score alone as ensembles of one", "[runtime][regression]") {
  auto c = reference_cases("regression.json").at(0);
  auto members = members_of(c);
  auto y = tensor_of(c.inputs["y"]);
  auto each = evaluate_regression_members(members, y);
  REQUIRE(each);
  REQUIRE(each->size() == 5);
  for (std::int64_t m = 0; m < 5; ++m) {
    auto alone = evaluate(members.members(m, 1), y);
    const auto& x = (*each)[static_cast<std::size_t>(m)];
    CHECK(to_list(x) == to_list(alone));
    // One Gaussian is its own mixture.
    CHECK(x.gaussian->nll == Approx(x.gaussian->nll_moment).epsilon(1e-12));
    CHECK(x.gaussian->crps == Approx(x.gaussian->crps_moment).epsilon(1e-10));
  }
}

TEST_CASE("a point head has errors but no densities", "[runtime][regression]") {
  regression_members members{
      at::tensor({1.0, 2.0, 3.0, 6.0}, at::kDouble).view({2, 2}), std::nullopt};
  auto p = predict(members);
  CHECK_FALSE(p.gaussian);
  check_close(p.epistemic_variance, at::tensor({1.0, 4.0}, at::kDouble), 0);
  auto x = evaluate(members, at::tensor({2.0, 7.0}, at::kDouble));
  CHECK(x.rmse == Approx(std::sqrt(4.5)));
  CHECK(x.mae == Approx(1.5));
  CHECK_FALSE(x.gaussian);
  CHECK(names(to_list(x)) == std::vector<std::string>{"rmse", "mae"});
}

TEST_CASE("regression metrics are listed in the order of the result file",
          "[runtime][regression]") {
  regression_metrics x{1, 2, regression_metrics::density{3, 4, 5, 6, 7, 8, 9}};
  CHECK(to_list(x)
        == metric_list{{"rmse", 1},
                       {"nll", 3},
                       {"nll_moment", 4},
                       {"crps", 5},
                       {"coverage_90", 7},
                       {"mae", 2},
                       {"crps_moment", 6},
                       {"sharpness_90", 8},
                       {"interval_score_90", 9}});
}

TEST_CASE("nine tenths of targets lie in the interval of a true model",
          "[runtime][regression]") {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(20);
  const std::int64_t b = 20000;
  auto means = at::randn({3, b}, generator, at::kDouble) * 2;
  auto variances = at::rand({3, b}, generator, at::kDouble) + 0.1;
  // Draw each target from a member chosen at random.
  auto member = at::randint(3, {1, b}, generator, at::kLong);
  auto noise = at::randn({1, b}, generator, at::kDouble);
  auto y = (means + variances.sqrt() * noise).gather(0, member).squeeze(0);
  auto x = evaluate({means, variances}, y);
  // Binomial: standard error sqrt(0.09 / 20000) = 0.0021; four of them.
  CHECK(std::abs(x.gaussian->coverage_90 - 0.9) < 0.0085);
  // The truth scores no worse than its own moments: both scores are proper.
  CHECK(x.gaussian->nll < x.gaussian->nll_moment);
  CHECK(x.gaussian->crps < x.gaussian->crps_moment);
}

TEST_CASE("a target on the interval's edge is covered, sharpness its width",
          "[runtime][regression]") {
  regression_members members{at::zeros({1, 2}, at::kDouble),
                             at::ones({1, 2}, at::kDouble)};
  auto p = predict(members);
  auto y = at::stack({p.gaussian->q05[0], p.gaussian->q95[1] + 1e-9});
  auto x = evaluate_regression(members, p, y);
  REQUIRE(x);
  CHECK(x->gaussian->coverage_90 == 0.5);
  CHECK(x->gaussian->sharpness_90 == Approx(2 * 1.6448536269514722));
  // Half of a unit below, and one above: 20 times each beside the width.
  const auto outside =
      at::stack({p.gaussian->q05[0] - 0.5, p.gaussian->q95[1] + 1});
  const auto missed = evaluate_regression(members, p, outside);
  REQUIRE(missed);
  CHECK(missed->gaussian->interval_score_90
        == Approx(2 * 1.6448536269514722 + 20 * (0.5 + 1) / 2));
  CHECK(x->gaussian->interval_score_90 == Approx(2 * 1.6448536269514722));
  check_close_to_scale(p.gaussian->q50 + 1, at::ones({2}, at::kDouble), 1e-12);
}

TEST_CASE("regression refuses what it cannot score", "[runtime][regression]") {
  auto means = at::zeros({2, 3}, at::kDouble);
  auto ones = at::ones({2, 3}, at::kDouble);
  auto refused = [](const regression_members& members, errc code) {
    auto p = predict_regression(members);
    REQUIRE_FALSE(p);
    CHECK(p.error().code == code);
    return p.error().message;
  };
  refused({at::zeros({3}), std::nullopt}, errc::invalid_argument);
  refused({at::zeros({0, 3}), std::nullopt}, errc::invalid_argument);
  refused({at::Tensor{}, std::nullopt}, errc::invalid_argument);
  refused({means, at::ones({2, 2})}, errc::invalid_argument);
  auto variances = ones.clone();
  variances[1][2] = 0;
  CHECK_THAT(refused({means, variances}, errc::invalid_argument),
             ContainsSubstring("member 1, point 2"));
  means[1][0] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(refused({means, ones}, errc::non_finite),
             ContainsSubstring("means") && ContainsSubstring("[1, 0]"));

  regression_members good{ones, ones};
  auto x = evaluate_regression(good, predict(good), at::zeros({2}));
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::invalid_argument);
  x = evaluate_regression({ones, std::nullopt}, predict(good), at::zeros({3}));
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::invalid_argument);
}
