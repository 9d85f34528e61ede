#include "runtime/core/random.hpp"
#include "runtime/model/gaussian_loss.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/model/loss.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Raw outputs over the range where networks live, and beyond: [rows, 2 T].
at::Tensor raw_outputs(std::int64_t rows, std::int64_t targets,
                       at::ScalarType type = at::kDouble) {
  auto x = at::randn({rows, 2 * targets}, make_generator(1), type) * 3;
  return x.requires_grad_();
}

at::Tensor some_targets(std::int64_t rows, std::int64_t targets,
                        at::ScalarType type = at::kDouble) {
  return at::randn({rows, targets}, make_generator(2), type);
}

at::Tensor gradient(const at::Tensor& loss, const at::Tensor& of) {
  return torch::autograd::grad({loss}, {of})[0];
}

loss_fn loss(std::string_view name, head_kind head) {
  return find_loss(name, head).value().function;
}

} // namespace

TEST_CASE("nll is the mean negative log likelihood", "[runtime][loss]") {
  auto outputs = raw_outputs(6, 2);
  auto targets = some_targets(6, 2);
  for (auto head : {head_kind::gaussian, head_kind::gaussian_shared}) {
    auto want = -log_likelihood(outputs, targets, head).mean();
    auto got = loss("nll", head)(outputs, targets, head);
    // A sum of 12 terms in another order, in double.
    CHECK(got.item<double>()
          == Catch::Approx(want.item<double>()).epsilon(1e-13));
    CHECK(at::allclose(gradient(got, outputs), gradient(want, outputs), 1e-10,
                       1e-13));
  }
  auto classes = at::randint(4, {6}, make_generator(3), at::kLong);
  auto categorical = head_kind::categorical;
  auto got = loss("nll", categorical)(outputs, classes, categorical);
  CHECK(got.item<double>()
        == Catch::Approx(-log_likelihood(outputs, classes, categorical)
                              .mean()
                              .item<double>()));
  CHECK(at::equal(
      got, loss("cross_entropy", categorical)(outputs, classes, categorical)));
}

TEST_CASE("beta_nll weighs each point with the root of its variance",
          "[runtime][loss]") {
  auto outputs = raw_outputs(6, 2);
  auto targets = some_targets(6, 2);
  for (auto head : {head_kind::gaussian, head_kind::gaussian_shared}) {
    // Seitzer et al.'s own code, with beta 0.5.
    auto [mean, variance, logits] = interpret(outputs, head);
    auto points = 0.5 * ((targets - mean).pow(2) / variance + variance.log());
    auto want = (points * variance.detach().pow(0.5)).sum(-1).mean();
    auto got = loss("beta_nll", head)(outputs, targets, head);
    CHECK(got.item<double>()
          == Catch::Approx(want.item<double>()).epsilon(1e-13));
    CHECK(at::allclose(gradient(got, outputs), gradient(want, outputs), 1e-10,
                       1e-13));
  }
}

TEST_CASE("one pass and composed operators give the same Gaussian loss",
          "[runtime][loss]") {
  for (auto type : {at::kFloat, at::kDouble}) {
    auto outputs = raw_outputs(33, 3, type);
    auto targets = some_targets(33, 3, type);
    // Rounding of the sums; and ATen's softplus is linear above 20, which
    // leaves out up to 2e-9.
    auto tolerance = type == at::kFloat ? 1e-5 : 1e-8;
    for (auto head : {head_kind::gaussian, head_kind::gaussian_shared})
      for (auto weight : {point_weight::one, point_weight::root_of_variance}) {
        auto one_pass = gaussian_loss(outputs, targets, head, weight);
        auto composed = composed_gaussian_loss(outputs, targets, head, weight);
        CHECK(one_pass.scalar_type() == type);
        CHECK(at::allclose(one_pass, composed, tolerance, tolerance));
        CHECK(at::allclose(gradient(one_pass, outputs),
                           gradient(composed, outputs), tolerance, tolerance));
      }
  }
}

TEST_CASE("the Gaussian loss has the slope of its own differences",
          "[runtime][loss]") {
  auto outputs = raw_outputs(4, 1);
  auto targets = some_targets(4, 1);
  auto head = head_kind::gaussian;
  auto at_point = [&](const at::Tensor& x) {
    return gaussian_loss(x, targets, head, point_weight::one).item<double>();
  };
  auto slope = gradient(
      gaussian_loss(outputs, targets, head, point_weight::one), outputs);
  constexpr double h = 1e-6;
  for (int i = 0; i < outputs.numel(); ++i) {
    auto step = at::zeros_like(outputs);
    step.view(-1)[i] = h;
    auto x = outputs.detach();
    auto difference = (at_point(x + step) - at_point(x - step)) / (2 * h);
    // Central differences: h^2 of truncation, 1e-16 / h of rounding.
    CHECK(slope.view(-1)[i].item<double>()
          == Catch::Approx(difference).epsilon(1e-6).margin(1e-8));
  }
}

TEST_CASE("extreme raw variances leave the Gaussian loss finite",
          "[runtime][loss]") {
  auto outputs = torch::tensor({{0.f, -200.f}, {0.f, 200.f}}).requires_grad_();
  auto got = gaussian_loss(outputs, at::zeros({2, 1}), head_kind::gaussian,
                           point_weight::one);
  CHECK(std::isfinite(got.item<float>()));
  CHECK(gradient(got, outputs).isfinite().all().item<bool>());
}

TEST_CASE("a scaled Gaussian loss scales its gradient", "[runtime][loss]") {
  auto outputs = raw_outputs(4, 1);
  auto targets = some_targets(4, 1);
  auto nll = [&] {
    return gaussian_loss(outputs, targets, head_kind::gaussian,
                         point_weight::one);
  };
  CHECK(at::equal(gradient(nll() * 4, outputs), gradient(nll(), outputs) * 4));
}

TEST_CASE("a second derivative of the one-pass loss is refused",
          "[runtime][loss]") {
  auto outputs = raw_outputs(4, 1);
  auto nll = gaussian_loss(outputs, some_targets(4, 1), head_kind::gaussian,
                           point_weight::one);
  CHECK_THROWS_AS(torch::autograd::grad({nll}, {outputs}, {}, true, true),
                  c10::Error);
}

TEST_CASE("mse is torch's", "[runtime][loss]") {
  auto outputs = raw_outputs(5, 1);
  auto targets = some_targets(5, 2);
  auto point = head_kind::point;
  CHECK(at::equal(loss("mse", point)(outputs, targets, point),
                  torch::mse_loss(outputs, targets)));
}

TEST_CASE("targets of another shape are refused by every loss",
          "[runtime][loss]") {
  auto outputs = at::zeros({4, 2});
  CHECK_THROWS_AS(
      loss("mse", head_kind::point)(outputs, at::zeros({4}), head_kind::point),
      c10::Error);
  for (const auto* name : {"nll", "beta_nll"})
    CHECK_THROWS_AS(loss(name, head_kind::gaussian)(outputs, at::zeros({4}),
                                                    head_kind::gaussian),
                    c10::Error);
}

TEST_CASE("a loss that does not fit the head is refused with those that do",
          "[runtime][loss]") {
  auto wrong = find_loss("mse", head_kind::gaussian);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == errc::invalid_argument);
  CHECK(wrong.error().message
        == "loss \"mse\" does not fit the head \"gaussian\"; those that do: "
           "beta_nll, nll");
  CHECK_FALSE(find_loss("nll", head_kind::point));
  CHECK_FALSE(find_loss("cross_entropy", head_kind::gaussian_shared));
  auto unknown = find_loss("betanll", head_kind::gaussian);
  CHECK(unknown.error().code == errc::unknown_name);
  CHECK_THAT(unknown.error().message,
             ContainsSubstring("did you mean \"beta_nll\"?"));
}
