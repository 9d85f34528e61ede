#include "test/actors/view_behavior.hpp"

#include <stdexcept>

using namespace posse;
using namespace posse::test;

namespace {

/// What the module gives for `args`, and what the particle does.
task<value> reads(particle& self, value args) {
  auto x = value_or_throw(args.to<tensor_blob>("inputs"));
  const auto inputs = value_or_throw(to_tensor(x));
  auto asked = self.with_module(
      [inputs](const seated_module& m) { return m.forward(inputs); });
  auto by_module = co_await std::move(asked);
  auto by_particle = co_await self.forward(std::move(x));
  co_return by_module == value{std::move(by_particle)};
}

/// Doubles all parameters; whether a view shows it.
task<value> doubles(particle& self, value) {
  const auto before = co_await self.get(self.pid());
  auto asked = self.with_module([](seated_module& m) {
    const at::NoGradGuard no_grad;
    for (const auto& parameter : m.net().parameters())
      parameter.mul_(2);
  });
  co_await std::move(asked);
  const auto after = co_await self.get(self.pid());
  bool doubled = after.version() > before.version();
  for (std::size_t i = 0; i < before.parameters().size(); ++i)
    doubled =
        doubled
        && at::equal(value_or_throw(to_tensor(before.parameters()[i])) * 2,
                     value_or_throw(to_tensor(after.parameters()[i])));
  co_return doubled;
}

/// The number of batches seen, asked for while a step runs.
task<value> counts_after_a_step(particle& self, value) {
  auto step = self.step(batch_ref{});
  auto asked = self.with_module([](const seated_module& m) {
    return m.buffers().back().tensor.item<std::int64_t>();
  });
  auto count = co_await std::move(asked);
  co_await std::move(step);
  co_return count;
}

/// The rows of the batch that `args` numbers, and of its outputs.
task<value> counts_rows(particle& self, value args) {
  batch_ref which;
  which.index = static_cast<std::uint32_t>(
      value_or_throw(args.to<std::int64_t>("batch")));
  auto asked =
      self.with_module(which, [](const seated_module& m, const batch& rows) {
        value_list out;
        out.emplace_back(rows.targets.size(0));
        out.emplace_back(m.forward(rows.inputs).size(0));
        return value{std::move(out)};
      });
  co_return co_await std::move(asked);
}

task<value> throws_there(particle& self, value) {
  auto asked = self.with_module([](const seated_module&) -> value {
    throw std::runtime_error{"the weights are upside down"};
  });
  co_return co_await std::move(asked);
}

task<value> writes_where_it_reads(particle& self, value) {
  auto asked = self.with_module([](const seated_module& m) {
    const at::NoGradGuard no_grad;
    m.parameters().front().zero_();
  });
  co_return co_await std::move(asked);
}

viewing_run modules_on(small_run& data, std::int64_t particles,
                       const std::string& device) {
  add_view_behavior("modules", {{"READ", reads},
                                {"DOUBLE", doubles},
                                {"COUNT", counts_after_a_step},
                                {"ROWS", counts_rows},
                                {"THROW", throws_there},
                                {"WRITE", writes_where_it_reads}});
  return viewing_run{config_for_views(
      data, "modules", particles,
      {"local.devices=[\"" + device + "\"]", "local.cache_size=1"})};
}

} // namespace

TEST_CASE("a function reads its particle's module on a lane",
          "[actors][with_module]") {
  small_run data;
  auto run = modules_on(data, 2, GENERATE("cpu:0", "sim:0"));
  run.ask_all("TRAIN", 3);
  for (const auto& same : run.ask_all("READ", some_inputs()))
    CHECK(same == value{true});
}

TEST_CASE("a function changes its particle and no other",
          "[actors][with_module]") {
  small_run data;
  auto run = modules_on(data, 2, GENERATE("cpu:0", "sim:0"));
  const auto other = run.pd->p_parameters({1}).value();
  CHECK(run.ask({0}, "DOUBLE") == value{true});
  CHECK((run.pd->p_parameters({1}).value() == other));
}

TEST_CASE("a function waits for the step that was asked for before it",
          "[actors][with_module]") {
  small_run data;
  auto run = modules_on(data, 1, GENERATE("cpu:0", "sim:0"));
  CHECK(run.ask({0}, "COUNT") == value{1});
}

TEST_CASE("a function gets a batch by reference", "[actors][with_module]") {
  small_run data;
  auto run = modules_on(data, 1, GENERATE("cpu:0", "sim:0"));
  CHECK(run.ask({0}, "ROWS", 0) == value{value_list{16, 16}});
  const auto beyond = run.pd->p_launch({0}, "ROWS", 99).wait();
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().code == errc::invalid_argument);
  CHECK_THAT(beyond.error().message,
             Catch::Matchers::StartsWith("particle 0 on ")
                 && Catch::Matchers::ContainsSubstring(": with_module: "));
}

TEST_CASE("a function's exception names particle, device and operation",
          "[actors][with_module]") {
  small_run data;
  const std::string device = GENERATE("cpu:0", "sim:0");
  auto run = modules_on(data, 2, device);
  const auto thrown = run.pd->p_launch({1}, "THROW").wait();
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error()
        == failure{errc::backend_error,
                   "particle 1 on " + device
                       + " of node local: with_module: the function: the "
                         "weights are upside down"});
  // Nothing is left of it.
  CHECK(run.ask({1}, "READ", some_inputs()) == value{true});
}

TEST_CASE("a function that writes where it may only read is an error",
          "[actors][with_module]") {
  small_run data;
  auto run = modules_on(data, 1, GENERATE("cpu:0", "sim:0"));
  const auto wrote = run.pd->p_launch({0}, "WRITE").wait();
  REQUIRE_FALSE(wrote);
  CHECK(wrote.error().code == errc::invalid_argument);
  CHECK_THAT(wrote.error().message,
             Catch::Matchers::ContainsSubstring("wrote to the particle"));
}
