#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "runtime/model/mlp.hpp"
#include "runtime/model/network.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <unistd.h>

using namespace posse;
using namespace posse::test;

namespace {

constexpr std::int64_t slots = 100;

// How many networks there are in this process, of the kind below.
std::atomic<int> living_networks{0};
std::atomic<int> most_networks{0};

void add_counted_network() {
  static const bool added =
      add_network("counted_mlp", [](const model_spec& spec) {
        auto plain = spec;
        plain.kind = "mlp";
        return make_mlp(plain).map([](std::shared_ptr<network> net) {
          const auto now = ++living_networks;
          most_networks = std::max(most_networks.load(), now);
          auto* bare = net.get();
          return std::shared_ptr<network>{
              bare, [kept = std::move(net)](network*) { --living_networks; }};
        });
      }).has_value();
  REQUIRE(added);
}

// 13 features, as the benchmark model mlp13 reads them.
void write_table(const std::filesystem::path& file) {
  std::string csv;
  for (int column = 0; column < 13; ++column)
    csv += "x" + std::to_string(column) + ",";
  csv += "y\n";
  for (int row = 0; row < 80; ++row) {
    for (int column = 0; column < 13; ++column)
      csv += std::to_string(std::sin(row * 1.3 + column)) + ",";
    csv += std::to_string(std::cos(row * 0.7)) + "\n";
  }
  write_text(file, csv);
}

run_config many_particles(const std::filesystem::path& folder,
                          const std::string& model, std::int64_t particles) {
  write_table(folder / "table.csv");
  auto config = parse_config(
      "[run]\nfuse = \"off\"\n[data]\npath = \"table.csv\"\n"
      "[model]\nhidden = [50]\nhead = \"point\"\n[infer]\nalgorithm = "
      "\"deep_ensemble\"\nepochs = 1\nbatch = 32\nvalidation_fraction = 0\n"
      "optimizer = \"sgd\"\n",
      folder / "run.toml", {});
  if (!config)
    FAIL(config.error().message);
  config->model.kind = model;
  config->infer.particles = particles;
  config->local.cache_size = slots;
  config->local.lanes = 2;
  return *config;
}

std::int64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::int64_t all = 0;
  std::int64_t resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

const std::string echo_message = "ECHO";

task<value> echo(particle&, value args) {
  co_return args;
}

task<value> works(particle& self, value) {
  const auto other = self.other_particles().front();
  for (int i = 0; i < 100; ++i) {
    co_await self.step(batch_ref{});
    co_await self.send(other, echo_message, i);
    if (i % 10 == 0)
      co_await self.get(other);
  }
  co_return value{};
}

} // namespace

TEST_CASE("a thousand particles train where a hundred fit",
          "[actors][device_worker]") {
  add_counted_network();
  temporary_directory folder;
  constexpr std::int64_t particles = 1000;
  {
    auto pd = push_distribution::start(
        many_particles(folder.path(), "counted_mlp", particles));
    REQUIRE(pd);
    create_all(**pd);
    const auto running = launch(**pd);
    for (const auto& done : (*pd)->p_wait(running))
      REQUIRE(done);
    const auto devices = (*pd)->devices();
    REQUIRE(devices);
    const auto& device = devices->front();
    CHECK(device.capacity == slots);
    CHECK(device.resident == slots);
    CHECK(device.evictions >= particles - slots);
    // One a slot; a particle that is made has one for its first values, on
    // each of the two lanes, and one gave the layout.
    CHECK(most_networks <= slots + 3);
  }
  CHECK(living_networks == 0);
}

TEST_CASE("an idle particle costs at most 12 KiB beside its tensors",
          "[actors][device_worker]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  SKIP("a sanitizer's own memory would be counted");
#endif
  temporary_directory folder;
  auto pd =
      push_distribution::start(many_particles(folder.path(), "mlp", 4000));
  REQUIRE(pd);
  std::int64_t row_bytes = 0;
  for (int i = 0; i < 1000; ++i)
    REQUIRE((*pd)->p_create());
  const auto before = resident_bytes();
  constexpr int more = 3000;
  for (int i = 0; i < more; ++i)
    REQUIRE((*pd)->p_create());
  const auto tensors = (*pd)->p_parameters({0});
  REQUIRE(tensors);
  for (const auto& blob : *tensors)
    row_bytes += static_cast<std::int64_t>((blob.size_bytes() + 63) / 64 * 64);
  const auto each = (resident_bytes() - before) / more;
  INFO("bytes a particle: " << each << ", " << row_bytes << " of them tensors");
  CHECK(each > row_bytes); // it is measured at all
  CHECK(each - row_bytes <= 12 * 1024);
}

TEST_CASE("D12: steps, messages and results leave nothing behind",
          "[actors][device_worker]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  SKIP("a sanitizer's own memory would be counted");
#endif
  REQUIRE(behaviors().add("busy", [] {
    behavior out;
    out.handlers = {{echo_message, echo}, {"WORK", works}};
    return out;
  }()));
  temporary_directory folder;
  auto config = many_particles(folder.path(), "mlp", 4);
  config.infer.algorithm = "busy";
  config.local.cache_size = 2; // swaps as well
  auto pd = push_distribution::start(config);
  REQUIRE(pd);
  create_all(**pd);
  auto work = [&](int times) {
    for (int i = 0; i < times; ++i) {
      std::vector<pfuture> running;
      for (auto pid : (*pd)->particle_ids())
        running.push_back((*pd)->p_launch(pid, "WORK"));
      for (const auto& done : wait_all(running))
        REQUIRE(done);
    }
  };
  work(20);
  const auto before = resident_bytes();
  work(200);
  // 80'000 steps and as many messages: 13 bytes of each would be seen.
  CHECK(resident_bytes() - before < 1024 * 1024);
}
