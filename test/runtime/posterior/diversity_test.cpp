#include "runtime/posterior/classification_predictive.hpp"
#include "runtime/posterior/diversity.hpp"
#include "test/runtime/posterior/reference.hpp"
#include "test/support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace posse;
using namespace posse::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

classification_diversity evaluate(const at::Tensor& logits,
                                  std::int64_t draws = 1) {
  auto result = evaluate_classification_diversity(logits, draws);
  REQUIRE(result);
  return *result;
}

regression_diversity evaluate(const regression_members& members,
                              std::int64_t draws = 1) {
  auto predictive = predict_regression(members);
  REQUIRE(predictive);
  auto result = evaluate_regression_diversity(members, *predictive, draws);
  REQUIRE(result);
  return *result;
}

/// Averages `f(i, j)` over the ordered pairs of unlike members.
template <class F>
double over_pairs(std::int64_t members, F&& f) {
  double sum = 0;
  for (std::int64_t i = 0; i < members; ++i)
    for (std::int64_t j = 0; j < members; ++j)
      sum += i == j ? 0 : f(i, j);
  return sum / static_cast<double>(members * (members - 1));
}

at::Tensor random_logits(const std::vector<std::int64_t>& shape,
                         std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::kDouble) * 2;
}

regression_members random_gaussians(const std::vector<std::int64_t>& shape,
                                    std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  auto means = at::randn(shape, generator, at::kDouble) + 1e4;
  return {means, at::rand(shape, generator, at::kDouble) + 0.1};
}

/// KL(N(m0, v0) || N(m1, v1)) of each point, averaged.
double gaussian_kl(const at::Tensor& m0, const at::Tensor& v0,
                   const at::Tensor& m1, const at::Tensor& v1) {
  return (0.5 * ((v1 / v0).log() + (v0 + (m0 - m1).square()) / v1 - 1))
      .mean()
      .item<double>();
}

/// A network for scalars, and what it says after 60 steps of least squares or
/// cross-entropy on y.
struct small_network {
  explicit small_network(std::int64_t outputs, std::uint64_t seed) {
    torch::manual_seed(seed);
    net = torch::nn::Sequential(torch::nn::Linear(1, 16), torch::nn::Tanh(),
                                torch::nn::Linear(16, outputs));
  }

  template <class Loss>
  at::Tensor trained(const at::Tensor& x, Loss&& loss) {
    torch::optim::Adam steps{net->parameters(), 0.02};
    for (int i = 0; i < 60; ++i) {
      steps.zero_grad();
      loss(net->forward(x)).backward();
      steps.step();
    }
    return net->forward(x).detach();
  }

  torch::nn::Sequential net{nullptr};
};

at::Tensor line_of_points() {
  return at::linspace(-2, 2, 40, at::kFloat).unsqueeze(1);
}

/// @returns logits [seeds, 40, 2].
at::Tensor trained_classifiers(const std::vector<std::uint64_t>& seeds) {
  auto x = line_of_points();
  auto labels = (x.squeeze(1) > 0.3).to(at::kLong);
  std::vector<at::Tensor> each;
  each.reserve(seeds.size());
  for (auto seed : seeds)
    each.push_back(small_network{2, seed}.trained(x, [&](const auto& out) {
      return torch::nn::functional::cross_entropy(out, labels);
    }));
  return at::stack(each);
}

/// @returns means and, of exp of the second output, variances [seeds, 40].
regression_members trained_regressors(const std::vector<std::uint64_t>& seeds) {
  auto x = line_of_points();
  auto y = (3 * x).sin() + 5;
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> variances;
  for (auto seed : seeds) {
    auto out = small_network{2, seed}.trained(x, [&](const at::Tensor& out) {
      auto error = out.narrow(1, 0, 1) - y;
      auto log_variance = out.narrow(1, 1, 1);
      return (log_variance + error.square() / log_variance.exp()).mean();
    });
    means.push_back(out.select(1, 0));
    variances.push_back(out.select(1, 1).exp());
  }
  return {at::stack(means), at::stack(variances)};
}

} // namespace

TEST_CASE("the diversity of classifiers is the average over their pairs",
          "[runtime][diversity]") {
  for (std::int64_t members : {2, 5}) {
    auto logits = random_logits({members, 30, 4}, 41);
    auto x = evaluate(logits);
    auto p = logits.softmax(-1);
    auto log_p = logits.log_softmax(-1);
    auto predicted = p.argmax(-1);
    CHECK(x.disagreement == Approx(over_pairs(members, [&](auto i, auto j) {
                              return (predicted[i] != predicted[j])
                                  .to(at::kDouble)
                                  .mean()
                                  .template item<double>();
                            })).epsilon(1e-12));
    CHECK(x.pairwise_kl == Approx(over_pairs(members, [&](auto i, auto j) {
                             return (p[i] * (log_p[i] - log_p[j]))
                                 .sum(-1)
                                 .mean()
                                 .template item<double>();
                           })).epsilon(1e-12));
    CHECK_FALSE(x.collapsed);
  }
}

TEST_CASE("classifiers that are sure of unlike classes diverge finitely",
          "[runtime][diversity]") {
  auto logits = at::tensor({1e4, 0.0, 0.0, 1e4}, at::kDouble).view({2, 1, 2});
  auto x = evaluate(logits);
  CHECK(x.disagreement == 1);
  CHECK(x.pairwise_kl == Approx(1e4)); // log p differs by 1e4 where p is 1
  // Sure of the same class: no divergence, but the networks are not alike.
  logits = at::tensor({30.0, 0.0, 40.0, 0.0}, at::kDouble).view({2, 1, 2});
  x = evaluate(logits);
  CHECK(x.disagreement == 0);
  CHECK(x.pairwise_kl < 1e-11);
  CHECK_FALSE(x.collapsed);
}

TEST_CASE("a classifier with draws is their mixture", "[runtime][diversity]") {
  auto logits = random_logits({6, 20, 3}, 42);
  auto x = evaluate(logits, 3);
  auto mixtures = logits.softmax(-1).view({2, 3, 20, 3}).mean(1).log();
  auto same = evaluate(mixtures);
  CHECK(x.disagreement == same.disagreement);
  CHECK(x.pairwise_kl == Approx(same.pairwise_kl).epsilon(1e-12));
  // The same draws in another order are the same member.
  auto turned =
      at::cat({logits.narrow(0, 0, 3), logits.narrow(0, 0, 3).flip(0)});
  CHECK(evaluate(turned, 3).collapsed);
  CHECK_FALSE(evaluate(turned).collapsed);
}

TEST_CASE("the diversity of Gaussians is the average over their pairs",
          "[runtime][diversity]") {
  for (std::int64_t m : {2, 5}) {
    auto members = random_gaussians({m, 30}, 43);
    const auto& mean = members.means;
    const auto& v = *members.variances;
    auto x = evaluate(members);
    REQUIRE(x.gaussian);
    // The loop's means are 1e4 and their differences 1: 4 digits are lost.
    CHECK(x.gaussian->pairwise_kl == Approx(over_pairs(m, [&](auto i, auto j) {
                                       return gaussian_kl(mean[i], v[i],
                                                          mean[j], v[j]);
                                     })).epsilon(1e-10));
    auto deviation = mean - mean.mean(0);
    auto epistemic = deviation.square().mean(0);
    CHECK(x.spread
          == Approx(std::sqrt(epistemic.mean().item<double>())).epsilon(1e-12));
    CHECK(x.gaussian->epistemic_ratio
          == Approx((epistemic / (epistemic + v.mean(0)))
                        .sqrt()
                        .mean()
                        .item<double>())
                 .epsilon(1e-10));
    CHECK_FALSE(x.collapsed);
  }
}

TEST_CASE("equal Gaussians a distance apart diverge by half its square",
          "[runtime][diversity]") {
  regression_members members{at::tensor({0.0, 3.0}, at::kDouble).view({2, 1}),
                             at::full({2, 1}, 4.0, at::kDouble)};
  auto x = evaluate(members);
  CHECK(x.gaussian->pairwise_kl == Approx(0.5 * 2.25)); // 1.5 deviations
  CHECK(x.spread == Approx(1.5));
  CHECK(x.gaussian->epistemic_ratio == Approx(1.5 / std::sqrt(2.25 + 4)));
}

TEST_CASE("a Gaussian member with draws has their mixture's moments",
          "[runtime][diversity]") {
  auto members = random_gaussians({6, 20}, 44);
  auto x = evaluate(members, 3);
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> variances;
  for (std::int64_t m : {0, 3}) {
    auto p = predict_regression(members.members(m, 3));
    REQUIRE(p);
    means.push_back(p->mean);
    variances.push_back(p->gaussian->variance);
  }
  auto same = evaluate({at::stack(means), at::stack(variances)});
  CHECK(x.gaussian->pairwise_kl
        == Approx(same.gaussian->pairwise_kl).epsilon(1e-10));
  CHECK(x.spread == Approx(same.spread).epsilon(1e-12));
  // Of all networks, draws too.
  CHECK(x.gaussian->epistemic_ratio > same.gaussian->epistemic_ratio);
}

TEST_CASE("identical trained networks are collapsed, unlike starts are not",
          "[runtime][diversity]") {
  auto of = [](const at::Tensor& x, const std::vector<std::int64_t>& which) {
    return x.index_select(0, at::tensor(which, at::kLong));
  };
  // The first two start alike.
  auto logits = trained_classifiers({1, 1, 2});
  auto same = evaluate(of(logits, {0, 1, 0}));
  CHECK(same.collapsed);
  CHECK(same.disagreement == 0);
  CHECK(same.pairwise_kl < 1e-20);
  auto unlike = evaluate(of(logits, {0, 2}));
  CHECK_FALSE(unlike.collapsed);
  CHECK(unlike.pairwise_kl > 1e-4);
  // Two alike and one that is not are no collapse.
  CHECK_FALSE(evaluate(logits).collapsed);

  auto trained = trained_regressors({1, 1, 2});
  auto gaussians = [&](const std::vector<std::int64_t>& which) {
    return regression_members{of(trained.means, which),
                              of(*trained.variances, which)};
  };
  auto same_gaussians = evaluate(gaussians({0, 1, 0}));
  CHECK(same_gaussians.collapsed);
  CHECK(same_gaussians.spread < 1e-12);
  CHECK(same_gaussians.gaussian->pairwise_kl < 1e-20);
  auto unlike_gaussians = evaluate(gaussians({0, 2}));
  CHECK_FALSE(unlike_gaussians.collapsed);
  CHECK(unlike_gaussians.gaussian->pairwise_kl > 1e-4);

  // The same networks' means as those of a point head.
  CHECK(evaluate({of(trained.means, {0, 1, 0}), std::nullopt}).collapsed);
  CHECK_FALSE(evaluate({of(trained.means, {0, 2}), std::nullopt}).collapsed);
}

TEST_CASE("a collapse is judged by the predictive's scale, not by units",
          "[runtime][diversity]") {
  auto at_distance = [](double distance, double unit) {
    auto means = at::linspace(0, 1, 50, at::kDouble).expand({2, 50}).clone();
    means[1] += distance;
    auto variances = at::full({2, 50}, 0.01, at::kDouble);
    return regression_members{means * unit, variances * (unit * unit)};
  };
  for (double unit : {1e-6, 1.0, 1e6}) {
    INFO(unit);
    // The deviation is 0.1: KL is (distance / 0.1)^2 / 2, its bound 1e-6.
    CHECK(evaluate(at_distance(1.40e-4, unit)).collapsed);
    CHECK_FALSE(evaluate(at_distance(1.43e-4, unit)).collapsed);
    // Of points, the ensemble's mean deviates by 0.294, members by half of the
    // distance.
    auto points = at_distance(5.8e-4, unit);
    CHECK(evaluate({points.means, std::nullopt}).collapsed);
    points = at_distance(6.0e-4, unit);
    CHECK_FALSE(evaluate({points.means, std::nullopt}).collapsed);
  }
  // Means alike, variances not.
  auto members = at_distance(0, 1);
  members.variances->select(0, 1).fill_(0.02);
  CHECK_FALSE(evaluate(members).collapsed);
  // Three equal numbers do not always average to themselves.
  auto constant = at::full({3, 1}, 0.1, at::kDouble);
  CHECK(evaluate({constant, std::nullopt}).collapsed);
  CHECK_FALSE(
      evaluate({at::tensor({0.1, 0.2}, at::kDouble).view({2, 1}), std::nullopt})
          .collapsed);
}

TEST_CASE("diversity is listed in the order of the result file",
          "[runtime][diversity]") {
  CHECK(to_list(classification_diversity{1, 2, true})
        == metric_list{{"disagreement", 1}, {"pairwise_kl", 2}});
  regression_diversity x{1, regression_diversity::density{2, 3}, false};
  CHECK(to_list(x)
        == metric_list{
            {"spread", 1}, {"pairwise_kl", 2}, {"epistemic_ratio", 3}});
  x.gaussian.reset();
  CHECK(to_list(x) == metric_list{{"spread", 1}});
}

TEST_CASE("diversity takes at least two members", "[runtime][diversity]") {
  auto refused = [](const auto& x, std::string_view what) {
    REQUIRE_FALSE(x);
    CHECK(x.error().code == errc::invalid_argument);
    CHECK_THAT(x.error().message, ContainsSubstring(std::string{what}));
  };
  auto logits = at::zeros({4, 3, 2}, at::kDouble);
  refused(evaluate_classification_diversity(logits.narrow(0, 0, 1)),
          "at least two members, got 1 networks");
  refused(evaluate_classification_diversity(logits, 4), "two members");
  refused(evaluate_classification_diversity(logits, 3), "two members");
  refused(evaluate_classification_diversity(logits, 0), "two members");
  refused(evaluate_classification_diversity(logits[0]), "logits");

  regression_members one{at::zeros({1, 3}), at::ones({1, 3})};
  auto p = predict_regression(one);
  REQUIRE(p);
  refused(evaluate_regression_diversity(one, *p), "two members");
  regression_members points{at::zeros({2, 3}), std::nullopt};
  refused(evaluate_regression_diversity(points, *p), "variances");
  logits[1][0][0] = std::numeric_limits<double>::quiet_NaN();
  auto x = evaluate_classification_diversity(logits);
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::non_finite);
}
