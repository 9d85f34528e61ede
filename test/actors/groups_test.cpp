#include "actors/behavior.hpp"
#include "actors/particle.hpp"
#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <cstring>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<float> floats_of(const tensor_blob& blob) {
  std::vector<float> out(blob.numel());
  std::memcpy(out.data(), blob.bytes().data(), blob.size_bytes());
  return out;
}

/// The pids of `args`, a list of numbers.
std::vector<particle_id> pids_of(const value& args) {
  std::vector<particle_id> out;
  for (const auto& x : *args.get_if<value_list>())
    out.push_back({static_cast<std::uint32_t>(*x.get_if<std::int64_t>())});
  return out;
}

task<value> gather(particle& self, value args) {
  auto rows = co_await self.gather(pids_of(args));
  value_list out;
  for (auto& row : rows.parameters)
    out.emplace_back(std::move(row));
  co_return out;
}

// Gives the parameters of the first to all.
task<value> broadcast(particle& self, value args) {
  const auto pids = pids_of(args);
  const std::vector<particle_id> first{pids.front()};
  auto rows = co_await self.gather(first);
  auto row = rows.parameters.front();
  auto done = co_await self.broadcast(pids, row);
  co_return done;
}

task<value> average(particle& self, value args) {
  auto done = co_await self.all_reduce(pids_of(args), reduction::mean);
  co_return done;
}

/// Five particles on three devices.
class group_fixture {
public:
  group_fixture() {
    if (!behaviors().find("groups"))
      REQUIRE(behaviors().add("groups", [] {
        behavior out;
        out.handlers = {
            {"GATHER", gather}, {"BROADCAST", broadcast}, {"AVERAGE", average}};
        return out;
      }()));
    auto config = data_.config("deep_ensemble", 5, 5);
    config.infer.algorithm = "groups";
    config.local.devices = {{"cpu:0", 0}, {"cpu:1", 0}, {"cpu:2", 0}};
    auto pd = push_distribution::start(config);
    REQUIRE(pd);
    particles_ = std::move(*pd);
    create_all(*particles_);
  }

  value launch(particle_id pid, const char* msg, value args) {
    auto result = particles_->p_launch(pid, msg, std::move(args)).wait();
    if (!result)
      FAIL(result.error().message);
    return std::move(*result);
  }

  /// The parameter rows, as particle `by` sees them.
  std::vector<std::vector<float>> rows(value pids, particle_id by = {0}) {
    std::vector<std::vector<float>> out;
    const auto gathered = launch(by, "GATHER", std::move(pids));
    for (const auto& x : *gathered.get_if<value_list>())
      out.push_back(floats_of(*x.get_if<tensor_blob>()));
    return out;
  }

  push_distribution& particles() { return *particles_; }

private:
  small_run data_;
  std::unique_ptr<push_distribution> particles_;
};

const value everyone = value_list{0, 1, 2, 3, 4};

} // namespace

TEST_CASE_METHOD(group_fixture,
                 "rows are gathered in the order in which they were named",
                 "[actors][groups]") {
  const auto all = rows(everyone);
  REQUIRE(all.size() == 5);
  CHECK(all[0] != all[1]);
  const auto some = rows(value_list{4, 0, 2}, {3});
  CHECK(some == std::vector{all[4], all[0], all[2]});
}

TEST_CASE_METHOD(group_fixture, "a broadcast row is in every particle",
                 "[actors][groups]") {
  const auto before = rows(everyone);
  launch({1}, "BROADCAST", value_list{3, 0, 4});
  const auto after = rows(everyone);
  CHECK(after
        == std::vector{before[3], before[1], before[2], before[3], before[3]});
}

TEST_CASE_METHOD(group_fixture, "all-reduce leaves the mean in every particle",
                 "[actors][groups]") {
  const auto before = rows(everyone);
  launch({2}, "AVERAGE", value_list{4, 1, 0});
  const auto after = rows(everyone);
  CHECK(after[2] == before[2]);
  CHECK(after[3] == before[3]);
  std::vector<float> mean;
  for (std::size_t i = 0; i < before[0].size(); ++i)
    mean.push_back(static_cast<float>(
        (double{before[4][i]} + before[1][i] + before[0][i]) / 3));
  CHECK(after[0] == mean);
  CHECK(after[1] == mean);
  CHECK(after[4] == mean);
}

TEST_CASE_METHOD(group_fixture, "a group with a stranger in it is an error",
                 "[actors][groups]") {
  auto result = particles().p_launch({0}, "GATHER", value_list{1, 9}).wait();
  REQUIRE_FALSE(result);
  CHECK(result.error().code == errc::unknown_particle);
  CHECK_THAT(result.error().message,
             ContainsSubstring("gather: no particle 9"));
}

TEST_CASE("devices that share an update get the bits of one that does not",
          "[actors][groups][same_bits]") {
  // Rows of 67,000 parameters: enough for the devices to share them.
  small_run data;
  auto trained = [&](std::vector<std::string> sets) {
    sets.emplace_back("model.hidden=[256, 256]");
    sets.emplace_back("infer.annealing=hyperbolic");
    auto pd =
        push_distribution::start(data.config("svgd", 5, 6, std::move(sets)));
    REQUIRE(pd);
    create_all(**pd);
    const auto results = wait_all(launch(**pd));
    REQUIRE(results[0]);
    return std::pair{all_parameters(**pd), *results[0]};
  };
  const std::string kernel =
      GENERATE("infer.kernel=rbf", "infer.kernel=linear");
  const auto [alone, report] = trained({kernel});
  for (const auto* devices :
       {R"(["cpu:0","cpu:1"])", R"(["cpu:0","cpu:1","cpu:2","cpu:3"])"}) {
    const auto [parameters, same] =
        trained({kernel, std::string{"local.devices="} + devices});
    CHECK(parameters == alone);
    CHECK(same == report); // bandwidth, distance, discrepancy, loss
  }
}

TEST_CASE("particles that coincide are left to one device",
          "[actors][groups][same_bits]") {
  small_run data;
  auto trained = [&](std::vector<std::string> sets) {
    sets.emplace_back("model.hidden=[256, 256]");
    auto pd =
        push_distribution::start(data.config("svgd", 4, 3, std::move(sets)));
    REQUIRE(pd);
    for (std::uint64_t key : {1, 2, 1, 3}) // two start alike
      REQUIRE((*pd)->p_create({}, key));
    const auto results = wait_all(launch(**pd));
    REQUIRE(results[0]);
    return all_parameters(**pd);
  };
  CHECK(trained({R"(local.devices=["cpu:0","cpu:1"])"}) == trained({}));
}
