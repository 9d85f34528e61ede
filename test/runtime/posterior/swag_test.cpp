#include "test/runtime/posterior/reference.hpp"
#include "test/runtime/posterior/swag_collection.hpp"

#include <ATen/ATen.h>

using namespace posse;
using namespace posse::testing;

TEST_CASE("moments, deviations and draws are those of the reference",
          "[runtime][swag]") {
  for (const auto& c : reference_cases("swag.json")) {
    INFO(c.name);
    const bool starts = c.inputs.contains("start");
    swag_collection x{c.inputs["P"].get<std::int64_t>(),
                      c.inputs["K"].get<std::int64_t>(), at::kDouble};
    if (starts)
      x.add(tensor_of(c.inputs["start"]));
    const auto iterates = tensor_of(c.inputs["iterates"]);
    for (const auto& w : iterates.unbind(0))
      x.add(w);
    CHECK(x.count() == c.outputs["n"].get<std::int64_t>());
    check_close(x.moments().mean, tensor_of(c.outputs["mean"]), 1e-12);
    // The reference's is a difference of squares: those of one iterate alone
    // are its clamp.
    const auto clamp = c.inputs["variance_clamp"].get<double>();
    check_close_to_scale(x.moments().variance.clamp_min(clamp),
                         tensor_of(c.outputs["variance"]), 1e-10);
    auto columns = x.columns();
    // A start has a column here, of zeros, as long as there is room.
    if (starts && x.count() <= x.rank())
      columns.erase(columns.begin());
    check_close_to_scale(at::stack(columns, 1),
                         tensor_of(c.outputs["deviations"]), 1e-12);
    const auto z1 = tensor_of(c.inputs["z1"]);
    const auto z2 = tensor_of(c.inputs["z2"]);
    const auto samples = tensor_of(c.outputs["samples"]);
    const auto scale = c.inputs["scale"].get<double>();
    for (std::int64_t s = 0; s < samples.size(0); ++s)
      check_close_to_scale(x.draw(scale, clamp, z1[s], z2[s]), samples[s],
                           1e-10);
  }
}

TEST_CASE("draws have the covariance of the paper", "[runtime][swag]") {
  const auto numbers = at::detail::createCPUGenerator(3);
  swag_collection x{3, 4, at::kDouble};
  for (int i = 0; i < 9; ++i)
    x.add(at::randn({3}, numbers, at::kDouble));
  constexpr std::int64_t draws = 40'000;
  std::vector<at::Tensor> all;
  for (std::int64_t s = 0; s < draws; ++s)
    all.push_back(x.draw(0.5, 0, at::randn({3}, numbers, at::kDouble),
                         at::randn({4}, numbers, at::kDouble)));
  const auto drawn = at::stack(all);
  const auto d = at::stack(x.columns(), 1);
  const auto expected =
      0.5 * (x.moments().variance.diag() + d.mm(d.t()) / (x.rank() - 1));
  const auto centered = drawn - drawn.mean(0);
  const auto got = centered.t().mm(centered) / (draws - 1);
  // Of 40,000 draws an element's error is about sqrt(2 / 40,000) = 0.7 % of the
  // largest: five of these.
  check_close_to_scale(got, expected, 0.035);
  check_close_to_scale(drawn.mean(0), x.moments().mean, 0.05);
}

TEST_CASE("a variance in float32 has its digits where squares have none",
          "[runtime][swag]") {
  const auto numbers = at::detail::createCPUGenerator(4);
  swag_collection wide{64, 2, at::kDouble};
  swag_collection narrow{64, 2, at::kFloat};
  auto square = at::zeros({64}, at::kFloat);
  for (int i = 1; i <= 40; ++i) {
    const auto w = 1 + 1e-4 * at::randn({64}, numbers, at::kDouble);
    wide.add(w.to(at::kFloat).to(at::kDouble));
    narrow.add(w.to(at::kFloat));
    square.add_(w.to(at::kFloat).square() - square, 1.0 / i);
  }
  const auto exact = wide.moments().variance;
  const auto error = [&](const at::Tensor& x) {
    return ((x.to(at::kDouble) - exact).abs() / exact).max().item<double>();
  };
  CHECK(error(narrow.moments().variance) < 1e-2);
  CHECK(error(square - narrow.moments().mean.square()) > 1);
}

TEST_CASE("on a quadratic the Gaussian is the stationary one of SGD",
          "[runtime][swag]") {
  // w <- w - eps (a w + s z), with z standard normal, has the variance
  // eps s^2 / (a (2 - eps a)) once it has forgotten its start.
  const auto numbers = at::detail::createCPUGenerator(5);
  const auto a = at::tensor({0.5, 1.0, 4.0}, at::kDouble);
  constexpr double eps = 0.1;
  constexpr double s = 0.3;
  const auto expected = eps * s * s / (a * (2 - eps * a));
  swag_collection x{3, 2, at::kDouble};
  auto w = at::zeros({3}, at::kDouble);
  for (int i = 0; i < 200'000; ++i) {
    w = w - eps * (a * w + s * at::randn({3}, numbers, at::kDouble));
    if (i > 1000 && i % 20 == 0)
      x.add(w);
  }
  // 10,000 iterates, whose neighbours are alike by up to 0.95^20 = 0.36: a
  // variance of the variance of at most 2 / 10,000 (1 + 0.36^2) / (1 - 0.36^2).
  check_close(x.moments().variance, expected, 5 * 0.0161);
  const auto error = (expected / 10'000 * (1 + 0.36) / (1 - 0.36)).sqrt();
  CHECK((x.moments().mean.abs() - 5 * error).le(0).all().item<bool>());
}
