#pragma once

#include "messages/particle_id.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/core/random.hpp"
#include "runtime/store/particle_store.hpp"
#include "test/support/catch.hpp"

#include <memory>
#include <utility>

/// Small particles for tests of what lanes do.
namespace posse::test {

inline particle_recipe small_recipe() {
  particle_recipe out;
  out.model.inputs = {4};
  out.model.hidden = {8};
  out.model.head = "point";
  out.loss = "mse";
  out.optimizer.kind = "adam";
  out.optimizer.learning_rate = 0.01;
  out.weights_prior.kind = prior_kind::flat;
  out.total_steps = 100;
  return out;
}

inline std::pair<at::Tensor, at::Tensor> small_batch(std::uint64_t seed) {
  const generator_scope numbers{make_generator(seed)};
  auto x = at::randn({16, 4});
  auto y = x.sum(1, true).sin() + at::randn({16, 1}).mul_(0.1);
  return {x, y};
}

/// Particles of one recipe in a store with `slots` slots.
class particle_box {
public:
  explicit particle_box(particle_recipe recipe, std::size_t slots,
                        std::int64_t train_rows = 16)
      : particle_box{std::move(recipe), slots, cache_policy::lru, train_rows} {}

  particle_box(particle_recipe recipe, std::size_t slots, cache_policy policy,
               std::int64_t train_rows = 16,
               c10::Device device = c10::Device{c10::kCPU})
      : store_{{.device = device, .capacity = slots, .policy = policy}} {
    auto compiled = compile(recipe, train_rows);
    REQUIRE(compiled);
    recipe_ = *compiled;
  }

  particle_store& store() { return store_; }
  const compiled_recipe& recipe() const { return *recipe_; }

  void create(particle_id pid) {
    auto got = store_.create(pid, recipe_);
    REQUIRE(got);
    REQUIRE(got->outcome == grant::leased);
    auto seat = settle(got->leases[0], store_.swaps());
    REQUIRE(seat);
    REQUIRE(initialize({*got->leases[0].entry, **seat},
                       derive_seed(1, pid, "particle")));
    store_.release(got->leases[0]);
  }

  /// Runs `work(seated_particle)` under a lease.
  template <class Work>
  auto with(particle_id pid, Work work) {
    auto got = store_.acquire(pid);
    REQUIRE(got);
    REQUIRE(got->outcome == grant::leased);
    auto seat = settle(got->leases[0], store_.swaps());
    REQUIRE(seat);
    auto result = work(seated_particle{*got->leases[0].entry, **seat});
    store_.release(got->leases[0]);
    return result;
  }

  /// The particle's parameters as one tensor, copied.
  at::Tensor parameters_of(particle_id pid) {
    return with(pid, [](seated_particle p) {
      return parameter_row(p.entry, p.seat.row()).clone();
    });
  }

private:
  particle_store store_;
  std::shared_ptr<const compiled_recipe> recipe_;
};

} // namespace posse::test
