#include "runtime/compute/train_group.hpp"
#include "runtime/model/network.hpp"
#include "test/runtime/compute/particles.hpp"
#include "test/runtime/model/normalized_network.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

constexpr particle_id first{0};
constexpr particle_id second{1};

particle_recipe recipe_with_prior() {
  auto out = small_recipe();
  out.model.prior_scale = 3;
  out.keep_best = true;
  return out;
}

void train(particle_box& box, particle_id pid, std::uint64_t from,
           std::uint64_t to) {
  for (auto s = from; s < to; ++s)
    REQUIRE(box.with(pid, [&](seated_particle p) {
      const auto [x, y] = small_batch(s);
      return train_step(p, x, y);
    }));
}

at::Tensor predicted(particle_box& box, particle_id pid) {
  const auto out = box.with(
      pid, [](seated_particle p) { return predict(p, small_batch(99).first); });
  REQUIRE(out);
  return *out;
}

/// The buffers of a particle's row by their names, copied.
std::map<std::string, at::Tensor> buffers_in_row(seated_particle p) {
  std::map<std::string, at::Tensor> out;
  for (const auto& section : p.recipe().layout.sections())
    if (section.role == section_role::buffers)
      for (const auto& place : section.tensors)
        out[place.name] = tensor_view(p.seat.row(), section, place).clone();
  return out;
}

std::map<std::string, at::Tensor> buffers_of_particle(particle_box& box,
                                                      particle_id pid) {
  return box.with(pid, buffers_in_row);
}

bool same(const std::map<std::string, at::Tensor>& a,
          const std::map<std::string, at::Tensor>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && at::equal(x.second, y.second);
  });
}

} // namespace

TEST_CASE("a particle starts as it would without its prior",
          "[runtime][compute][random_prior]") {
  particle_box box{recipe_with_prior(), 1};
  particle_box plain{small_recipe(), 1};
  box.create(first);
  plain.create(first);
  CHECK(at::equal(box.parameters_of(first), plain.parameters_of(first)));
  CHECK_FALSE(at::equal(predicted(box, first), predicted(plain, first)));
}

TEST_CASE("training moves the parameters and leaves the prior",
          "[runtime][compute][random_prior]") {
  particle_box box{recipe_with_prior(), 1}; // one slot: they change places
  box.create(first);
  box.create(second);
  const auto prior = buffers_of_particle(box, first);
  REQUIRE(prior.size() == 4);
  CHECK(prior.contains("prior.layers.0.weight"));
  CHECK_FALSE(same(prior, buffers_of_particle(box, second)));
  const auto before = box.parameters_of(first);
  for (std::uint64_t s = 0; s < 20; ++s) {
    train(box, first, s, s + 1);
    train(box, second, s, s + 1);
  }
  CHECK_FALSE(at::equal(box.parameters_of(first), before));
  CHECK(same(buffers_of_particle(box, first), prior));

  // What is predicted is f + 3 p, both by what lies in the row.
  const auto x = small_batch(99).first;
  auto f = make_network(small_recipe().model).value();
  auto p = make_network(small_recipe().model).value();
  const at::NoGradGuard no_grad;
  box.with(first, [&](seated_particle particle) {
    const auto& section = particle.recipe().layout.sections().front();
    for (const auto& place : section.tensors) {
      f->named_parameters()[place.name].copy_(
          tensor_view(particle.seat.row(), section, place));
      p->named_parameters()[place.name].copy_(prior.at("prior." + place.name));
    }
    return true;
  });
  const auto wanted = f->forward(x) + 3 * p->forward(x);
  CHECK(at::allclose(predicted(box, first), wanted, 1e-5, 1e-6));
}

TEST_CASE("a prior goes through a snapshot",
          "[runtime][compute][random_prior]") {
  auto recipe = recipe_with_prior();
  recipe.model.dropout = 0.2;
  particle_box box{recipe, 1};
  box.create(first);
  train(box, first, 0, 10);
  const auto taken = box.with(
      first, [](seated_particle p) { return snapshot(p.entry, p.seat.row()); });
  REQUIRE(taken);
  const auto carried = snapshot_from_value(to_value(*taken));
  REQUIRE(carried);
  particle_box other{recipe, 1};
  other.create(second); // another prior
  other.create(first);
  train(other, second, 0, 3);
  REQUIRE(other.with(second, [&](seated_particle p) {
    return restore(p.entry, p.seat.row(), *carried);
  }));
  CHECK(at::equal(predicted(other, second), predicted(box, first)));
  train(box, first, 10, 20);
  train(other, second, 10, 20);
  CHECK(at::equal(predicted(other, second), predicted(box, first)));
  CHECK(same(buffers_of_particle(other, second),
             buffers_of_particle(box, first)));
}

TEST_CASE("the statistics of a prior's batches stay as they were made",
          "[runtime][compute][random_prior]") {
  auto recipe = recipe_with_prior();
  recipe.model.kind = add_normalized_network();
  particle_box box{recipe, 1};
  box.create(first);
  train(box, first, 0, 5);
  const auto buffers = buffers_of_particle(box, first);
  const std::string name = "statistics.num_batches_tracked";
  CHECK(buffers.at(name).item<std::int64_t>() == 5);
  CHECK(buffers.at("prior." + name).item<std::int64_t>() == 0);
  CHECK(at::equal(buffers.at("prior.statistics.running_mean"), at::zeros({8})));
}

TEST_CASE("a group of particles with priors takes their steps",
          "[runtime][compute][random_prior][fuse]") {
  auto recipe = recipe_with_prior();
  // Adam takes steps of the gradient of a bias before batch statistics, which
  // is rounding alone.
  recipe.optimizer.kind = "sgd";
  const bool normalized = GENERATE(false, true);
  CAPTURE(normalized);
  if (normalized)
    recipe.model.kind = add_normalized_network();
  REQUIRE(can_group(recipe.model, c10::Device{c10::kCPU}));
  particle_box alone{recipe, 3};
  particle_box together{recipe, 3};
  const std::vector<particle_id> pids{{0}, {1}, {2}};
  std::vector<seated_particle> all;
  std::vector<lease> leases;
  for (const auto pid : pids) {
    alone.create(pid);
    together.create(pid);
  }
  const auto priors = buffers_of_particle(together, second);
  for (const auto pid : pids) {
    leases.push_back(together.store().acquire(pid)->leases.front());
    auto seat = settle(leases.back(), together.store().swaps());
    REQUIRE(seat);
    all.push_back({*leases.back().entry, **seat});
  }
  for (std::uint64_t s = 0; s < 20; ++s) {
    auto [x, y] = small_batch(s);
    const batch rows{x, y};
    for (const auto& done : train_group(all, {&rows, 1}))
      REQUIRE(done);
    for (const auto pid : pids)
      train(alone, pid, s, s + 1);
  }
  for (const auto& each : leases)
    together.store().release(each);
  // Sums in another order, through 20 steps.
  for (const auto pid : pids)
    CHECK(at::allclose(predicted(together, pid), predicted(alone, pid), 1e-3,
                       1e-4));
  for (const auto& [name, tensor] : buffers_of_particle(together, second))
    if (name.starts_with("prior."))
      CHECK(at::equal(tensor, priors.at(name)));
}
