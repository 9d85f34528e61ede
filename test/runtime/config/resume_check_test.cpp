#include "runtime/config/load_config.hpp"
#include "runtime/config/resume_check.hpp"
#include "test/support/catch.hpp"

#include <string>
#include <vector>

using namespace posse;

namespace {

run_config with(std::vector<std::string> sets) {
  auto config = parse_config("[data]\npath = \"a.csv\"\n[infer]\nbatch = 100\n",
                             "/base/e.toml", sets);
  INFO((config ? std::string{} : config.error().message));
  REQUIRE(config);
  return *std::move(config);
}

} // namespace

TEST_CASE("a run may be resumed elsewhere, with other side effects",
          "[config][resume_check]") {
  auto saved = with({});
  CHECK(check_resumable(saved, saved));
  for (std::string set :
       {"run.out=other", "run.checkpoint_every=5", "run.trace=true",
        "local.lanes=3", "local.devices=[\"cpu:0\", \"cpu:1\"]",
        "run.placement=pack", "local.cache_size=2", "local.cache_policy=lru",
        "local.view_size=9", "local.prefetch=false", "local.host_bytes=1MiB",
        "local.disk_bytes=1MiB", "local.disk_path=/tmp"}) {
    CAPTURE(set);
    CHECK(check_resumable(saved, with({set})));
  }
}

TEST_CASE("a run may be resumed in other places", "[config][resume_check]") {
  auto saved = with({"infer.particles=2"});
  auto now = with({"infer.particles=2", "run.placement=explicit",
                   "run.places=[\"cpu:0\", \"cpu:0\"]"});
  CHECK(check_resumable(saved, now));
  CHECK(check_resumable(now, saved));
}

TEST_CASE("a run may be resumed on other nodes", "[config][resume_check]") {
  auto saved = with({});
  auto now = saved;
  now.cluster = cluster_config{};
  now.cluster->nodes.resize(2);
  CHECK(check_resumable(saved, now));
  CHECK(check_resumable(now, saved));
}

TEST_CASE("a run may not be resumed with what changes its results",
          "[config][resume_check]") {
  const std::vector<std::vector<std::string>> cases{
      {"run.seed=2", "--set run.seed: expected 1 as in the saved run, got 2"},
      {"infer.batch=50",
       "--set infer.batch: expected 100 as in the saved run, got 50"},
      {"infer.steps=5000",
       "--set infer.steps: expected 3000 as in the saved run, got 5000"},
      {"infer.epochs=5", "/base/e.toml:3: infer.steps: expected 3000 as in the "
                         "saved run, got none"},
      {"model.hidden=[50, 50]", "--set model.hidden: expected [50] as in the "
                                "saved run, got [50, 50]"},
      {"data.target=y",
       "--set data.target: expected none as in the saved run, got \"y\""},
      {"infer.algorithm=svgd", "--set infer.algorithm: expected "
                               "\"deep_ensemble\" as in the saved run, got "
                               "\"svgd\""},
      {"run.portable_bits=true", "--set run.portable_bits: expected false as "
                                 "in the saved run, got true"},
  };
  auto saved = with({});
  for (const auto& c : cases) {
    CAPTURE(c[0]);
    auto ok = check_resumable(saved, with({c[0]}));
    REQUIRE_FALSE(ok);
    CHECK(ok.error() == failure{errc::invalid_config, c[1]});
  }
}

TEST_CASE("a saved mode of fusing goes with auto, and not with another",
          "[config][resume_check]") {
  CHECK(check_resumable(with({"run.fuse=off"}), with({"run.fuse=auto"})));
  CHECK_FALSE(check_resumable(with({"run.fuse=auto"}), with({"run.fuse=off"})));
}
