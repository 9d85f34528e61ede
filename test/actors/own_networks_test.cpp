#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/model/mlp.hpp"
#include "test/actors/small_run.hpp"
#include "test/runtime/model/normalized_network.hpp"
#include "test/support/catch.hpp"
#include "test/support/simulated_fixture.hpp"

#include <ATen/ATen.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>

using namespace posse;
using namespace posse::test;

namespace {

/// The hash of the whole state of all particles, and what devices report.
struct trained {
  std::string hash;
  std::vector<device_report> devices;
};

trained train_and_report(const run_config& config) {
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  for (const auto& result : wait_all(launch(**pd)))
    if (!result)
      FAIL(result.error().message);
  sha256 hash;
  for (auto pid : (*pd)->particle_ids()) {
    auto state = (*pd)->p_state(pid);
    REQUIRE(state);
    for (const auto* tensors : {&state->parameters, &state->others})
      for (const auto& each : *tensors)
        hash.update(each.blob.bytes());
  }
  return {hash.hex(), (*pd)->devices().value()};
}

std::string train(const run_config& config) {
  return train_and_report(config).hash;
}

/// What the network below waits for, and whether it came in time.
struct gate {
  std::promise<void> open;
  std::shared_future<void> opened{open.get_future()};
  std::atomic<bool> waits{false};
  std::atomic<bool> in_time{false};
};

gate& the_gate() {
  static gate it;
  return it;
}

/// A network whose forward pass ends when somebody opens the gate.
class waiting_network final : public network {
public:
  explicit waiting_network(std::shared_ptr<network> inner)
      : inner_{register_module("inner", std::move(inner))} {}

  at::Tensor forward(const at::Tensor& x) override {
    // Far longer than the test takes: only a step that holds up its particle's
    // messages, and so itself, comes to the end of it.
    constexpr std::chrono::seconds patience{30};
    if (the_gate().waits)
      the_gate().in_time =
          the_gate().opened.wait_for(patience) == std::future_status::ready;
    return inner_->forward(x);
  }

private:
  std::shared_ptr<network> inner_;
};

void add_waiting_network() {
  static const bool added =
      add_network("waiting", [](const model_spec& spec) {
        auto plain = spec;
        plain.kind = "mlp";
        return make_mlp(plain).map([](std::shared_ptr<network> net) {
          return std::shared_ptr<network>{
              std::make_shared<waiting_network>(std::move(net))};
        });
      }).has_value();
  REQUIRE(added);
}

task<value> opens_gate(particle&, value) {
  the_gate().open.set_value();
  co_return value{};
}

task<value> steps_and_sends(particle& self, value) {
  auto step = self.step(batch_ref{});
  const std::string msg = "OPEN";
  co_await self.send(self.other_particles().front(), msg);
  co_await std::move(step);
  co_return bool{the_gate().in_time};
}

/// A run of particles with buffers and dropout.
run_config normalized_run(small_run& data, std::vector<std::string> sets,
                          const std::string& algorithm = "deep_ensemble") {
  auto config = data.config(algorithm, 4, 30, std::move(sets));
  config.model.kind = add_normalized_network();
  config.model.head = "point";
  config.infer.loss = "mse";
  config.infer.schedule = "cosine";
  // 72 rows to train on: no batch of one row, which has no variance.
  config.infer.validation_fraction = 0;
  return config;
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "draws of a network with buffers have the same bits wherever "
                 "particles predict",
                 "[actors][same_bits]") {
  small_run data;
  auto with = [&](std::vector<std::string> sets) {
    sets.insert(sets.end(), {"infer.samples=3", "infer.burn_in=10",
                             "infer.thinning=4", "infer.rank=3"});
    auto pd =
        push_distribution::start(normalized_run(data, sets, "multi_swag"));
    REQUIRE(pd);
    create_all(**pd);
    for (const auto& result : wait_all(launch(**pd)))
      REQUIRE(result);
    std::vector<at::Tensor> outputs;
    for (int twice = 0; twice < 2; ++twice) // the first leaves nothing behind
      for (auto pid : (*pd)->particle_ids()) {
        auto some = (*pd)->p_predict(pid, data_part::test);
        if (!some)
          FAIL(some.error().message);
        outputs.push_back(std::move(*some));
      }
    return at::stack(outputs);
  };
  const auto reference = with({"local.lanes=1"});
  CHECK(reference.sizes() == at::IntArrayRef{2 * 4, 3, 8, 1});
  CHECK(at::equal(reference.slice(0, 0, 4), reference.slice(0, 4, 8)));
  for (const auto* device : {"cpu:0", "sim:0"})
    for (const auto* slots : {"1", "4"}) {
      CAPTURE(device, slots);
      CHECK(at::equal(
          with({std::string{"local.devices=[\""} + device + "\"]",
                "local.lanes=2", std::string{"local.cache_size="} + slots}),
          reference));
    }
}

TEST_CASE_METHOD(
    simulated_fixture,
    "a network with buffers and dropout trains to the same bits wherever "
    "particles run",
    "[actors][same_bits]") {
  small_run data;
  auto with = [&](std::vector<std::string> sets) {
    return train(normalized_run(data, std::move(sets)));
  };
  const auto reference = with({"local.lanes=1"});
  CHECK(with({"local.lanes=2"}) == reference);
  CHECK(with({R"(local.devices=["cpu:0","cpu:1"])"}) == reference);
  for (const auto* device : {"cpu:0", "sim:0"})
    for (const auto* policy : {"order", "lru", "direct"})
      for (const auto* slots : {"1", "2", "4"}) {
        CAPTURE(device, policy, slots);
        CHECK(with({std::string{"local.devices=[\""} + device + "\"]",
                    "local.lanes=2", std::string{"local.cache_size="} + slots,
                    std::string{"local.cache_policy="} + policy})
              == reference);
      }
  CHECK(with({"local.cache_size=1", "local.host_bytes=1",
              "local.disk_bytes=\"1MiB\""})
        == reference);
  CHECK_FALSE(with({"run.seed=2"}) == reference);
}

TEST_CASE("in groups a network of one's own has the same bits everywhere, too",
          "[actors][same_bits][fuse]") {
  small_run data;
  auto with = [&](std::vector<std::string> sets) {
    return train(normalized_run(data, std::move(sets)));
  };
  const auto reference = with({"run.fuse=on", "local.lanes=1"});
  CHECK_FALSE(with({"local.lanes=1"}) == reference); // it did compute otherwise
  CHECK(with({"run.fuse=on", "local.lanes=2"}) == reference);
  CHECK(with({"run.fuse=on", R"(local.devices=["cpu:0","cpu:1"])"})
        == reference);
  for (const auto* slots : {"1", "2", "3"})
    CHECK(with({"run.fuse=on", "local.lanes=1",
                std::string{"local.cache_size="} + slots})
          == reference);
}

TEST_CASE_METHOD(simulated_fixture,
                 "a device that is short of memory gives slots up and keeps "
                 "the bits",
                 "[actors][same_bits]") {
  small_run data;
  const auto config =
      normalized_run(data, {R"(local.devices=["sim:0"])", "local.cache_size=4",
                            "local.lanes=1"});
  const auto plenty = train_and_report(config);
  CHECK(plenty.devices.front().slots_given_up == 0);
  simulated_options scarce;
  scarce.limit_bytes = counters_of(0).peak_bytes - 64;
  configure(0, scarce);
  const auto tight = train_and_report(config);
  CHECK(tight.devices.front().slots_given_up == 2);
  CHECK(tight.devices.front().capacity == 2);
  CHECK(tight.hash == plenty.hash);
}

TEST_CASE("D13: a particle sends while its step runs", "[actors][particle]") {
  add_waiting_network();
  if (!behaviors().find("gate"))
    REQUIRE(behaviors().add("gate", [] {
      behavior out;
      out.handlers = {{"OPEN", opens_gate}, {"STEP_AND_SEND", steps_and_sends}};
      return out;
    }()));
  small_run data;
  auto config = data.config("deep_ensemble", 2, 5, {"local.lanes=2"});
  config.model.kind = "waiting";
  config.infer.algorithm = "gate";
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  the_gate().waits = true;
  CHECK((*pd)->p_launch({0}, "STEP_AND_SEND").wait() == value{true});
}
