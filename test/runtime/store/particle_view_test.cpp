#include "runtime/model/tensor_value.hpp"
#include "runtime/store/particle_view.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/runtime/store/views.hpp"

#include <cstring>
#include <utility>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

particle_recipe normalized_recipe() {
  auto recipe = small_recipe();
  recipe.model.kind = add_normalized_network();
  recipe.gradient_row = true;
  recipe.keep_best = true;
  return recipe;
}

/// A box with one particle that has taken some steps.
particle_box trained_box(particle_recipe recipe) {
  particle_box box{std::move(recipe), 1};
  box.create({0});
  step(box, {0}, 5);
  return box;
}

/// The view as if it had come from another node: its bytes lie anywhere.
particle_view travelled(const particle_view& view, const model_spec& model) {
  const auto moved = [](const tensor_blob& x) {
    const auto size = x.size_bytes();
    auto bytes = std::make_shared<std::byte[]>(size + 12);
    std::memcpy(bytes.get() + 12, x.bytes().data(), size);
    return tensor_blob{x.type(), x.shape(), {bytes, bytes.get() + 12}};
  };
  auto out = std::make_shared<view_tensors>();
  out->version = view.version();
  for (const auto& x : view.parameters())
    out->parameters.push_back(moved(x));
  for (const auto& [name, x] : view.buffers())
    out->buffers.emplace(name, moved(x));
  return {view.pid(), std::move(out),
          std::make_shared<const model_spec>(model)};
}

} // namespace

TEST_CASE("a view has parameters, gradients and buffers as the particle has",
          "[runtime][view]") {
  auto box = trained_box(normalized_recipe());
  REQUIRE(box.with({0}, [](seated_particle p) {
    const auto [x, y] = small_batch(9);
    return score(p, x, y);
  }));
  const auto view = view_of(box, {0});
  CHECK(view.pid() == particle_id{0});
  box.with({0}, [&](seated_particle p) {
    CHECK(view.version() == p.entry.revision);
    const auto parameters = parameters_of(p.seat.net());
    const auto buffers = buffers_of(p.seat.net());
    const auto* scores = p.recipe().layout.find(section_role::gradient);
    REQUIRE(view.parameters().size() == parameters.size());
    REQUIRE(view.gradients().size() == parameters.size());
    REQUIRE(view.buffers().size() == buffers.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      CHECK(view.parameters()[i] == to_blob(parameters[i].tensor).value());
      CHECK(view.gradients()[i]
            == to_blob(tensor_view(p.seat.row(), *scores, scores->tensors[i]))
                   .value());
    }
    for (const auto& [name, tensor] : buffers) {
      CAPTURE(name);
      REQUIRE(view.buffers().contains(name));
      CHECK(view.buffers().find(name)->second == to_blob(tensor).value());
    }
    return true;
  });
  const auto count =
      to_tensor(view.buffers().at("statistics.num_batches_tracked")).value();
  CHECK(count.item<std::int64_t>() == 6);
}

TEST_CASE("a view of a particle without a gradient row has no gradients",
          "[runtime][view]") {
  auto box = trained_box(small_recipe());
  CHECK(view_of(box, {0}).gradients().empty());
}

TEST_CASE("a view does not change when its particle does", "[runtime][view]") {
  auto box = trained_box(normalized_recipe());
  const auto view = view_of(box, {0});
  const auto before = hash_of(view);
  step(box, {0}, 10);
  CHECK(hash_of(view) == before);
  const auto later = view_of(box, {0});
  CHECK(later.version() > view.version());
  CHECK_FALSE(hash_of(later) == before);
}

TEST_CASE("what changes a particle gives its view another version",
          "[runtime][view]") {
  auto box = trained_box(normalized_recipe());
  const auto version = [&] { return view_of(box, {0}).version(); };
  const auto first = version();
  CHECK(version() == first);
  const auto [x, y] = small_batch(9);
  outputs_of(box, {0}, x);
  CHECK(version() == first); // nothing has changed

  // No step, but the batch's statistics have been counted.
  const auto nan = at::full_like(y, std::numeric_limits<float>::quiet_NaN());
  CHECK_FALSE(
      box.with({0}, [&](seated_particle p) { return train_step(p, x, nan); }));
  const auto second = version();
  CHECK(second > first);

  box.with({0}, [](seated_particle p) {
    zero_grad(p);
    return true;
  });
  const auto third = version();
  CHECK(third > second);
  box.with({0}, [](seated_particle p) {
    p.entry.best_score = 1; // as if one had been kept
    return restore_best(p);
  });
  CHECK(version() > third);
}

TEST_CASE("a view's network computes what its particle does, in the view's "
          "memory",
          "[runtime][view]") {
  auto box = trained_box(GENERATE(small_recipe(), normalized_recipe()));
  const auto [x, y] = small_batch(3);
  const auto expected = outputs_of(box, {0}, x);
  const auto view = view_of(box, {0});
  step(box, {0}, 1);
  const auto net = network_of(view);
  CHECK_FALSE(net->is_training());
  CHECK(shares_memory(*net, view));
  CHECK(at::equal(outputs_of(*net, x), expected));
  CHECK(shares_memory(*net, view)); // computing has not copied it
  // The network keeps it alive by itself.
  const auto alone = [&] { return network_of(view_of(box, {0})); }();
  CHECK(at::equal(outputs_of(*alone, x), outputs_of(box, {0}, x)));
}

TEST_CASE("who writes to a view's network has a copy", "[runtime][view]") {
  auto box = trained_box(normalized_recipe());
  const auto [x, y] = small_batch(3);
  const auto view = view_of(box, {0});
  const auto before = hash_of(view);
  const auto mine = network_of(view);
  const auto yours = network_of(view);
  const auto expected = outputs_of(*mine, x);

  const bool to_a_parameter = GENERATE(true, false);
  CAPTURE(to_a_parameter);
  if (to_a_parameter) {
    const at::NoGradGuard no_grad;
    mine->parameters().front().add_(1);
  } else { // to a buffer, as training does
    mine->train();
    outputs_of(*mine, x);
    mine->eval();
  }
  CHECK_FALSE(at::equal(outputs_of(*mine, x), expected));
  CHECK_FALSE(shares_memory(*mine, view));
  CHECK(hash_of(view) == before);
  CHECK(shares_memory(*yours, view));
  CHECK(at::equal(outputs_of(*yours, x), expected));
  CHECK(at::equal(outputs_of(*network_of(view), x), expected));
}

TEST_CASE("a view that has travelled gives the same network",
          "[runtime][view]") {
  auto box = trained_box(GENERATE(small_recipe(), normalized_recipe()));
  const auto [x, y] = small_batch(3);
  const auto view = view_of(box, {0});
  const auto far = travelled(view, box.recipe().source.model);
  const auto net = network_of(far);
  CHECK_FALSE(shares_memory(*net, far));
  CHECK(at::equal(outputs_of(*net, x), outputs_of(box, {0}, x)));
}

TEST_CASE("a view whose tensors do not fit the model gives no network",
          "[runtime][view]") {
  auto box = trained_box(normalized_recipe());
  const auto view = view_of(box, {0});
  auto wider = box.recipe().source.model;
  wider.inputs = {5};
  const auto shapes = travelled(view, wider).view();
  REQUIRE_FALSE(shapes);
  CHECK(shapes.error().code == errc::malformed);
  CHECK(shapes.error().message
        == "view of particle 0: tensor \"first.weight\": expected [8, 5] "
           "Float, got [8, 4] Float");
  auto plain = box.recipe().source.model;
  plain.kind = "mlp";
  const auto counts = travelled(view, plain).view();
  REQUIRE_FALSE(counts);
  CHECK_THAT(counts.error().message, ContainsSubstring("parameters, got"));
}
