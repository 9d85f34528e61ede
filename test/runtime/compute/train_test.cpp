#include "runtime/model/network.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <limits>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr particle_id first{0};

expected<step_report> step_on(particle_box& box, particle_id pid,
                              std::uint64_t seed) {
  return box.with(pid, [&](seated_particle p) {
    const auto [x, y] = small_batch(seed);
    return train_step(p, x, y);
  });
}

} // namespace

TEST_CASE("steps in a slot equal LibTorch's on a plain module",
          "[runtime][compute]") {
  particle_box box{small_recipe(), 1};
  box.create(first);
  auto numbers = make_generator(derive_seed(1, first, "particle"));
  auto plain = [&] {
    const generator_scope scope{numbers};
    return *make_network(small_recipe().model);
  }();
  torch::optim::Adam adam{plain->parameters(), torch::optim::AdamOptions(0.01)};
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto report = step_on(box, first, i);
    REQUIRE(report);
    CHECK(report->step == static_cast<std::int64_t>(i + 1));
    const auto [x, y] = small_batch(i);
    adam.zero_grad();
    auto loss = torch::mse_loss(plain->forward(x), y);
    loss.backward();
    adam.step();
    // Adam's fused kernel orders some products otherwise: float rounding.
    CHECK(report->loss == Catch::Approx(loss.item<double>()).epsilon(1e-4));
  }
  box.with(first, [&](seated_particle p) {
    const auto& own = p.seat.parameters();
    const auto expected = plain->parameters();
    for (std::size_t i = 0; i < own.size(); ++i)
      CHECK(at::allclose(own[i], expected[i], 1e-4, 1e-5));
    return true;
  });
}

TEST_CASE("D8: a particle's bits do not depend on slots and swaps",
          "[runtime][compute]") {
  auto recipe = small_recipe();
  // A row of one piece, and of several that change places one by one.
  recipe.model.hidden = {GENERATE(8, 1000)};
  auto train = [&](std::size_t slots) {
    particle_box box{recipe, slots};
    for (std::uint32_t i = 0; i < 3; ++i)
      box.create({i});
    for (std::uint64_t s = 0; s < 20; ++s)
      for (std::uint32_t i = 0; i < 3; ++i)
        REQUIRE(step_on(box, {i}, s));
    std::vector<at::Tensor> out;
    for (std::uint32_t i = 0; i < 3; ++i)
      out.push_back(box.parameters_of({i}));
    CHECK((box.store().counters().evictions > 0) == (slots < 3));
    return out;
  };
  const auto roomy = train(3);
  for (std::size_t slots : {1U, 2U}) {
    const auto tight = train(slots);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(at::equal(roomy[i], tight[i]));
  }
  CHECK_FALSE(at::equal(roomy[0], roomy[1])); // D2: no two start alike
}

TEST_CASE("D7: a particle's buffers go where it goes", "[runtime][compute]") {
  auto recipe = small_recipe();
  recipe.model.kind = add_normalized_network();
  recipe.schedule = "cosine";
  const auto policy =
      GENERATE(cache_policy::order, cache_policy::lru, cache_policy::direct);
  auto train = [&](std::size_t slots) {
    particle_box box{recipe, slots, policy};
    for (std::uint32_t i = 0; i < 3; ++i)
      box.create({i});
    for (std::uint64_t s = 0; s < 20; ++s)
      for (std::uint32_t i = 0; i < 3; ++i)
        REQUIRE(step_on(box, {i}, s + i)); // each sees batches of its own
    std::vector<at::Tensor> out;
    for (std::uint32_t i = 0; i < 3; ++i)
      out.push_back(box.with(
          {i}, [](seated_particle p) { return p.seat.row().clone(); }));
    return out;
  };
  const auto alone = train(3);
  for (std::size_t slots : {1U, 2U}) {
    const auto together = train(slots);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(at::equal(alone[i], together[i])); // every byte of it
  }

  // The statistics are those of the particle's own batches.
  particle_box box{recipe, 1, policy};
  box.create({0});
  box.create({1});
  for (std::uint64_t s = 0; s < 5; ++s)
    REQUIRE(step_on(box, {0}, s));
  auto buffers = [&](particle_id pid) {
    return box.with(pid, [](seated_particle p) {
      std::vector<at::Tensor> out;
      for (const auto& buffer : buffers_of(p.seat.net()))
        out.push_back(buffer.tensor.clone());
      return out; // mean, variance, number of batches
    });
  };
  const auto trained = buffers({0});
  const auto fresh = buffers({1});
  REQUIRE(trained.size() == 3);
  CHECK(trained[2].item<std::int64_t>() == 5);
  CHECK(fresh[2].item<std::int64_t>() == 0);
  CHECK(at::equal(fresh[0], at::zeros_like(fresh[0])));
  CHECK_FALSE(at::equal(trained[0], fresh[0]));
}

TEST_CASE("a loss that is not finite changes nothing and says when",
          "[runtime][compute]") {
  particle_box box{small_recipe(), 1};
  box.create(first);
  REQUIRE(step_on(box, first, 0));
  const auto before = box.parameters_of(first);
  auto bad = box.with(first, [](seated_particle p) {
    auto [x, y] = small_batch(1);
    y.fill_(std::numeric_limits<float>::quiet_NaN());
    return train_step(p, x, y);
  });
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::non_finite);
  CHECK_THAT(bad.error().message, ContainsSubstring("loss is NaN at step 2"));
  CHECK(at::equal(before, box.parameters_of(first)));
}

TEST_CASE("a score is N times the mean log likelihood's gradient plus the "
          "prior's",
          "[runtime][compute]") {
  auto recipe = small_recipe();
  recipe.model.head = "gaussian";
  recipe.loss = "nll";
  recipe.gradient_row = true;
  recipe.weights_prior = {prior_kind::normal, 2.0};
  constexpr std::int64_t rows = 160; // the batch is a tenth
  particle_box box{recipe, 1, rows};
  box.create(first);
  const auto [x, y] = small_batch(3);
  auto loss =
      box.with(first, [&](seated_particle p) { return score(p, x, y); });
  REQUIRE(loss);
  box.with(first, [&, x = x, y = y](seated_particle p) {
    const auto& section = *p.recipe().layout.find(section_role::gradient);
    std::vector<at::Tensor> own;
    for (const auto& parameter : p.seat.parameters())
      own.push_back(parameter.detach().clone().requires_grad_(true));
    // The same network by hand, from the equations.
    auto hidden = at::relu(at::linear(x, own[0], own[1]));
    auto out = at::linear(hidden, own[2], own[3]);
    auto mean = out.narrow(1, 0, 1);
    auto variance = at::softplus(out.narrow(1, 1, 1)) + 1e-4;
    auto log_likelihood = (-0.5 * (2 * M_PI * variance).log()
                           - (y - mean).square() / (2 * variance))
                              .sum();
    auto log_posterior = (rows / 16.0) * log_likelihood;
    for (const auto& theta : own)
      log_posterior = log_posterior - theta.square().sum() / (2 * 2.0 * 2.0);
    log_posterior.backward();
    for (std::size_t i = 0; i < own.size(); ++i)
      CHECK(at::allclose(tensor_view(p.seat.row(), section, section.tensors[i]),
                         own[i].grad(), 1e-4, 1e-3));
    return true;
  });
}

TEST_CASE("dropout draws from the particle's own numbers",
          "[runtime][compute]") {
  auto recipe = small_recipe();
  recipe.model.dropout = 0.5;
  auto train = [&](std::size_t others) {
    particle_box box{recipe, 4};
    for (std::uint32_t i = 0; i <= others; ++i)
      box.create({i});
    for (std::uint64_t s = 0; s < 5; ++s)
      for (std::uint32_t i = 0; i <= others; ++i)
        REQUIRE(step_on(box, {i}, s));
    return box.parameters_of(first);
  };
  CHECK(at::equal(train(0), train(3)));
}
