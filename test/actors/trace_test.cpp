#include "test/actors/small_run.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <map>

using namespace posse;
using namespace posse::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Trains three particles for 20 steps, as `sets` say. @returns the trace.
run_trace trained(const std::string& algorithm, std::vector<std::string> sets) {
  small_run data;
  auto pd = push_distribution::start(data.config(algorithm, 3, 20, sets));
  REQUIRE(pd);
  create_all(**pd);
  for (const auto& each : launch(**pd))
    REQUIRE(each.wait());
  return (*pd)->trace();
}

std::map<std::string, int> counts_of(const trace_log& log) {
  std::map<std::string, int> out;
  for (const auto& x : log.events)
    ++out[log.names[x.name]];
  return out;
}

/// Whether no event of a row begins before the one before it has ended.
bool in_order(const trace_log& log) {
  std::vector<std::int64_t> ends(log.rows.size(), 0);
  return std::ranges::all_of(log.events, [&](const trace_event& x) {
    return x.begin >= std::exchange(ends[x.row], x.end) && x.end >= x.begin;
  });
}

} // namespace

TEST_CASE("a traced run tells what its lanes did", "[actors][trace]") {
  const auto trace =
      trained("deep_ensemble",
              {"run.trace=true", "local.lanes=2", "local.cache_size=2"});
  CHECK(trace.missing.empty());
  REQUIRE(trace.devices.size() == 1);
  const auto& [node, device, log] = trace.devices.front();
  CHECK(node == "local");
  CHECK(device == "cpu:0");
  CHECK(log.rows == std::vector<std::string>{"cpu:0 lane 0", "cpu:0 lane 1"});
  CHECK(log.dropped == 0);
  CHECK(in_order(log));
  auto counts = counts_of(log);
  CHECK(counts["create"] == 3);
  CHECK(counts["step"] == 60);
  CHECK(counts["finish"] == 3);
  CHECK(counts["swap in {}"] > 0);    // a lane itself moves the bytes
  CHECK(counts["write back {}"] > 0); // of those that make room for a new one
  CHECK(counts["wait for copy"] == 0);
  for (std::uint32_t pid = 0; pid < 3; ++pid) {
    std::vector<std::int64_t> steps;
    for (const auto& x : log.events)
      if (log.names[x.name] == "step" && x.pid == particle_id{pid})
        steps.push_back(x.step);
    REQUIRE(steps.size() == 20);
    for (std::size_t i = 0; i < steps.size(); ++i)
      CHECK(steps[i] == static_cast<std::int64_t>(i) + 1);
  }
}

TEST_CASE("a traced SVGD shows its scores and its updates", "[actors][trace]") {
  const auto trace = trained("svgd", {"run.trace=true", "local.lanes=1"});
  REQUIRE(trace.devices.size() == 1);
  const auto& log = trace.devices.front().log;
  auto counts = counts_of(log);
  CHECK(counts["score"] == 60);
  CHECK(counts["update_group"] == 20);
  for (const auto& x : log.events)
    if (log.names[x.name] == "update_group")
      CHECK(x.particles == 3);
  CHECK(in_order(log));
}

TEST_CASE("a run that is not traced has nothing to tell", "[actors][trace]") {
  const auto trace = trained("deep_ensemble", {});
  CHECK(trace.devices.empty());
  REQUIRE(trace.missing.size() == 1);
  CHECK_THAT(trace.missing.front(),
             ContainsSubstring("cpu:0: ") && ContainsSubstring("not traced"));
}
