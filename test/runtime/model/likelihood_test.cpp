#include "runtime/core/random.hpp"
#include "runtime/model/likelihood.hpp"
#include "test/support/catch.hpp"

using namespace posse;

TEST_CASE("heads are known by name", "[runtime][likelihood]") {
  CHECK(parse_head("gaussian_shared") == head_kind::gaussian_shared);
  CHECK(to_string(head_kind::categorical) == "categorical");
  CHECK(parse_head("pint").error().message
        == "unknown head \"pint\"; did you mean \"point\"? known: point, "
           "gaussian, gaussian_shared, categorical");
}

TEST_CASE("a Gaussian's variance never falls below the floor",
          "[runtime][likelihood]") {
  auto outputs =
      torch::tensor({{1.0, -800.0}, {2.0, 0.0}, {3.0, 50.0}}, at::kDouble);
  auto soft = interpret(outputs, head_kind::gaussian);
  CHECK(soft.mean.flatten()[2].item<double>() == 3);
  CHECK(soft.variance[0].item<double>() == variance_floor);
  CHECK(soft.variance[1].item<double>()
        == Catch::Approx(std::log(2.0) + variance_floor).epsilon(1e-14));
  auto shared = interpret(outputs, head_kind::gaussian_shared);
  CHECK(shared.variance[0].item<double>() == variance_floor);
  CHECK(shared.variance[1].item<double>() == 1 + variance_floor);
}

TEST_CASE("a Gaussian log likelihood is the closed form summed over targets",
          "[runtime][likelihood]") {
  auto outputs = at::randn({5, 4}, make_generator(1), at::kDouble);
  auto targets = at::randn({5, 2}, make_generator(2), at::kDouble);
  for (auto head : {head_kind::gaussian, head_kind::gaussian_shared}) {
    auto got = log_likelihood(outputs, targets, head);
    REQUIRE(got.sizes() == at::IntArrayRef{5});
    for (int row = 0; row < 5; ++row) {
      double want = 0;
      for (int t = 0; t < 2; ++t) {
        auto raw = outputs[row][2 + t].item<double>();
        auto variance =
            variance_floor
            + (head == head_kind::gaussian ? std::log1p(std::exp(raw))
                                           : std::exp(raw));
        auto error =
            targets[row][t].item<double>() - outputs[row][t].item<double>();
        want -= (std::log(2 * M_PI * variance) + error * error / variance) / 2;
      }
      // Sums of two terms in double.
      CHECK(got[row].item<double>() == Catch::Approx(want).epsilon(1e-13));
    }
  }
}

TEST_CASE("a categorical log likelihood is the log softmax of the class",
          "[runtime][likelihood]") {
  auto logits = torch::tensor({{0.0, std::log(3.0)}, {5.0, 5.0}}, at::kDouble);
  auto got =
      log_likelihood(logits, torch::tensor({1, 0}), head_kind::categorical);
  CHECK(got[0].item<double>() == Catch::Approx(std::log(0.75)));
  CHECK(got[1].item<double>() == Catch::Approx(std::log(0.5)));
  CHECK(at::equal(interpret(logits, head_kind::categorical).logits, logits));
}

TEST_CASE("targets of another shape are refused, not broadcast",
          "[runtime][likelihood]") {
  auto outputs = at::zeros({4, 2});
  CHECK_THROWS_AS(log_likelihood(outputs, at::zeros({4}), head_kind::gaussian),
                  c10::Error);
  CHECK_THROWS_AS(log_likelihood(outputs, outputs, head_kind::point),
                  c10::Error);
  CHECK_THROWS_AS(interpret(at::zeros({4, 3}), head_kind::gaussian),
                  c10::Error);
}
