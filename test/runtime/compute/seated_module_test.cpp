#include "runtime/compute/seated_module.hpp"
#include "runtime/model/tensor_value.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/runtime/store/views.hpp"

#include <stdexcept>
#include <utility>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::EndsWith;

namespace {

/// A box with one slot and two particles of a network with dropout.
struct two_particles : particle_box {
  two_particles() : particle_box{recipe_of_both(), 1} {
    create({0});
    create({1});
  }

  static particle_recipe recipe_of_both() {
    auto recipe = small_recipe();
    recipe.model.kind = add_normalized_network();
    return recipe;
  }

  template <class F>
  expected<value> run(F f) {
    return with({0}, [&](seated_particle p) {
      return run_on_module(p, function_of_module(std::move(f)), nullptr);
    });
  }

  /// What a step of the particle with its own random numbers leads to.
  std::string after_a_step(particle_id pid) {
    step(*this, pid, 1);
    return hash_of(view_of(*this, pid));
  }
};

} // namespace

TEST_CASE_METHOD(two_particles, "a function reads a particle's module",
                 "[runtime][seated_module]") {
  const auto before = view_of(*this, {0});
  const auto [x, y] = small_batch(3);
  const auto outputs =
      run([x = x](const seated_module& m) { return m.forward(x); });
  REQUIRE(outputs);
  CHECK(at::equal(to_tensor(*outputs->get_if<tensor_blob>()).value(),
                  outputs_of(*this, {0}, x)));
  CHECK(run([](const seated_module& m) {
          return static_cast<std::int64_t>(m.parameters().size());
        })
        == value{6});
  CHECK(run([](const seated_module& m) {
          value_list out;
          for (const auto& buffer : m.buffers())
            out.emplace_back(buffer.name);
          return value{std::move(out)};
        })
        == value{value_list{"statistics.running_mean", "statistics.running_var",
                            "statistics.num_batches_tracked"}});
  CHECK(run([](const seated_module&) {}) == value{});
  CHECK(view_of(*this, {0}).version() == before.version());
}

TEST_CASE_METHOD(two_particles,
                 "a function's result does not change with the particle",
                 "[runtime][seated_module]") {
  const auto weight =
      run([](const seated_module& m) { return m.parameters().front(); });
  REQUIRE(weight);
  const auto before = view_of(*this, {0}).parameters().front();
  step(*this, {0}, 1);
  CHECK(*weight == value{before});
}

TEST_CASE_METHOD(two_particles, "a function differentiates a particle's module",
                 "[runtime][seated_module]") {
  const auto [x, y] = small_batch(3);
  const auto slope = run([x = x](const seated_module& m) {
    m.forward(x).sum().backward();
    return m.named_parameters().back().tensor.grad();
  });
  REQUIRE(slope);
  // Of the outputs' sum by the last bias: one for each row.
  CHECK(to_tensor(*slope->get_if<tensor_blob>()).value().item<float>() == 16);
  with({1}, [](seated_particle p) {
    for (const auto& parameter : p.seat.parameters())
      CHECK_FALSE(parameter.grad().defined()); // the slot is the next one's
    return true;
  });
}

TEST_CASE_METHOD(two_particles, "a parameter that a function froze is trained",
                 "[runtime][seated_module]") {
  REQUIRE(run([](const seated_module& m) {
    m.named_parameters().back().tensor.set_requires_grad(false);
    at::GradMode::set_enabled(false);
    return value{};
  }));
  CHECK(at::GradMode::is_enabled()); // the thread is the next one's
  with({1}, [](seated_particle p) {
    for (const auto& parameter : p.seat.parameters())
      CHECK(parameter.requires_grad());
    return true;
  });
}

TEST_CASE_METHOD(two_particles, "a function changes a particle's module",
                 "[runtime][seated_module]") {
  const auto before = view_of(*this, {0});
  const auto old_version =
      with({0}, [](seated_particle p) { return p.entry.version; });
  REQUIRE(run([](seated_module& m) {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : m.net().parameters())
      parameter.fill_(0.5);
  }));
  const auto after = view_of(*this, {0});
  CHECK(after.version() > before.version());
  CHECK(with({0}, [](seated_particle p) { return p.entry.version; })
        > old_version);
  CHECK(at::all(to_tensor(after.parameters().front()).value() == 0.5)
            .item<bool>());
  CHECK_FALSE(hash_of(before) == hash_of(after));
}

TEST_CASE_METHOD(two_particles,
                 "the mode a function leaves a module in is nobody else's",
                 "[runtime][seated_module]") {
  const auto [x, y] = small_batch(3);
  const auto expected = outputs_of(*this, {1}, x);
  REQUIRE(run([](seated_module& m) { m.net().train(); }));
  CHECK(at::equal(outputs_of(*this, {1}, x), expected));
}

TEST_CASE("what a reading function draws does not count",
          "[runtime][seated_module]") {
  const auto drawn = [](two_particles& box) {
    return box.run([](const seated_module&) { return at::rand({4}); });
  };
  two_particles read;
  const auto first = drawn(read);
  REQUIRE(first);
  CHECK(drawn(read) == *first); // by the particle's generator, as it is now
  two_particles left_alone;
  CHECK(read.after_a_step({0}) == left_alone.after_a_step({0}));

  two_particles changed;
  REQUIRE(changed.run([](seated_module&) { return at::rand({4}); }) == *first);
  CHECK_FALSE(changed.after_a_step({0}) == read.after_a_step({0}));
}

TEST_CASE_METHOD(two_particles, "a function that fails says why",
                 "[runtime][seated_module]") {
  const auto thrown = run([](const seated_module&) -> value {
    throw std::runtime_error{"upside down"};
  });
  CHECK(thrown.error()
        == failure{errc::backend_error, "the function: upside down"});
  const auto returned = run([](const seated_module&) -> expected<value> {
    return fail(errc::non_finite, "too large");
  });
  CHECK(returned.error() == failure{errc::non_finite, "too large"});
  const auto by_torch = run([](const seated_module& m) {
    return m.forward(at::zeros({1, 9}));
  });
  CHECK(by_torch.error().code == errc::backend_error);
}

TEST_CASE_METHOD(two_particles, "a reading function that writes is an error",
                 "[runtime][seated_module]") {
  const auto before = view_of(*this, {0});
  const auto wrote = run([](const seated_module& m) {
    const at::NoGradGuard no_grad;
    m.parameters().front().add_(1);
  });
  REQUIRE_FALSE(wrote);
  CHECK(wrote.error().code == errc::invalid_argument);
  CHECK_THAT(wrote.error().message, EndsWith("got one of a const "
                                             "seated_module&"));
  // It has happened: nobody is shown the older values as the latest.
  CHECK(view_of(*this, {0}).version() > before.version());
}

TEST_CASE_METHOD(two_particles,
                 "a tensor that a function moves elsewhere comes back",
                 "[runtime][seated_module]") {
  const auto [x, y] = small_batch(3);
  const auto of_other = outputs_of(*this, {1}, x);
  const auto before = outputs_of(*this, {0}, x);
  const auto moved = run([](seated_module& m) { m.net().to(at::kDouble); });
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == errc::invalid_argument);
  CHECK(at::equal(outputs_of(*this, {0}, x), before));
  CHECK(at::equal(outputs_of(*this, {1}, x), of_other));
}

TEST_CASE_METHOD(two_particles, "a function gets the batch it asks for",
                 "[runtime][seated_module]") {
  const auto [x, y] = small_batch(3);
  const batch rows{x, y};
  const auto loss = with({0}, [&](seated_particle p) {
    return run_on_module(
        p, function_of_batch([](const seated_module& m, const batch& b) {
          return at::mse_loss(m.forward(b.inputs), b.targets).item<double>();
        }),
        &rows);
  });
  REQUIRE(loss);
  CHECK(*loss->get_if<double>()
        == at::mse_loss(outputs_of(*this, {0}, x), y).item<double>());
}
