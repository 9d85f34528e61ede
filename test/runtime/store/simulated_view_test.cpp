#include "test/runtime/model/normalized_network.hpp"
#include "test/runtime/store/views.hpp"
#include "test/support/simulated_fixture.hpp"

using namespace posse;
using namespace posse::test;

namespace {

struct trained_box : particle_box {
  trained_box(const particle_recipe& recipe, c10::Device device)
      : particle_box{recipe, 1, cache_policy::lru, 16, device} {
    create({0});
    step(*this, {0}, 5);
  }
};

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "a view of a particle on a simulated device lies on the host",
                 "[runtime][view][simulated_device]") {
  auto recipe = small_recipe();
  recipe.model.kind = GENERATE(std::string{"mlp"}, add_normalized_network());
  trained_box box{recipe, sim0};
  trained_box on_cpu{recipe, c10::Device{c10::kCPU}};

  reset_counters(0);
  const auto view = view_of(box, {0});
  CHECK(counters_of(0).copies_to_host == 1); // however many tensors it has
  const auto before = hash_of(view);
  CHECK(before == hash_of(view_of(on_cpu, {0})));

  step(box, {0}, 10);
  CHECK(hash_of(view) == before);
  CHECK_FALSE(hash_of(view_of(box, {0})) == before);

  const auto [x, y] = small_batch(3);
  const auto net = network_of(view);
  CHECK(shares_memory(*net, view));
  CHECK(at::equal(outputs_of(*net, x), outputs_of(on_cpu, {0}, x)));
}
