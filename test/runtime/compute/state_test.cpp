#include "runtime/compute/particle_work.hpp"
#include "test/runtime/compute/particles.hpp"

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr particle_id first{0};

particle_recipe rich_recipe() {
  auto recipe = small_recipe();
  recipe.model.dropout = 0.3; // the generator's state matters
  recipe.keep_best = true;
  recipe.schedule = "cosine";
  return recipe;
}

void train(particle_box& box, int from, int to) {
  for (int s = from; s < to; ++s)
    REQUIRE(box.with(first, [&](seated_particle p) {
      const auto [x, y] = small_batch(static_cast<std::uint64_t>(s));
      return train_step(p, x, y);
    }));
}

particle_snapshot snapshot_of(particle_box& box) {
  auto taken = box.with(
      first, [](seated_particle p) { return snapshot(p.entry, p.seat.row()); });
  REQUIRE(taken);
  return *taken;
}

} // namespace

TEST_CASE("a restored particle goes on as if it had never stopped",
          "[runtime][compute]") {
  particle_box whole{rich_recipe(), 1};
  whole.create(first);
  train(whole, 0, 10);
  // Over the wire's own form, as a checkpoint or another node would see it.
  auto carried = snapshot_from_value(to_value(snapshot_of(whole)));
  REQUIRE(carried);
  train(whole, 10, 20);

  particle_box other{rich_recipe(), 1};
  other.create(first);
  train(other, 0, 3); // whatever was there before is gone after
  REQUIRE(other.with(first, [&](seated_particle p) {
    return restore(p.entry, p.seat.row(), *carried);
  }));
  train(other, 10, 20);
  CHECK(at::equal(whole.parameters_of(first), other.parameters_of(first)));
  CHECK((snapshot_of(whole).cursor == snapshot_of(other).cursor));
}

TEST_CASE("a snapshot does not change when its particle does",
          "[runtime][compute]") {
  particle_box box{rich_recipe(), 1};
  box.create(first);
  const auto before = snapshot_of(box);
  const auto copy = to_value(before);
  train(box, 0, 5);
  CHECK(to_value(before) == copy);
  CHECK_FALSE(to_value(snapshot_of(box)) == copy);
}

TEST_CASE("a snapshot that does not fit is refused by the tensor's name",
          "[runtime][compute]") {
  particle_box box{rich_recipe(), 1};
  box.create(first);
  auto taken = snapshot_of(box);
  auto restore_it = [&] {
    return box.with(first, [&](seated_particle p) {
      return restore(p.entry, p.seat.row(), taken);
    });
  };
  auto missing = taken.parameters.back();
  taken.parameters.pop_back();
  auto refused = restore_it();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::corrupt_checkpoint);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("\"" + missing.name + "\" is missing"));
  taken.parameters.push_back(
      {missing.name, tensor_blob{dtype::f32, {0}, nullptr}});
  CHECK_THAT(restore_it().error().message, ContainsSubstring("got [0]"));
}
