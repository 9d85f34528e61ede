#include "runtime/trace/device_trace.hpp"
#include "test/runtime/compute/schedule_jobs.hpp"
#include "test/support/simulated_fixture.hpp"

#include <vector>

using namespace posse;
using namespace posse::test;

namespace {

std::vector<std::string> names_of(const trace_log& log) {
  std::vector<std::string> out;
  for (const auto& x : log.events)
    out.push_back(log.names[x.name] + " of " + to_string(x.pid));
  return out;
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "copies are recorded as they ran, one after the other",
                 "[runtime][trace][simulated_device]") {
  const auto recipe = compile(small_recipe(), 16).value();
  device_trace trace{trace_clock::start(), "sim:0", 1, true};
  lane_schedule schedule{
      {.device = sim0, .capacity = 1, .policy = cache_policy::lru},
      1,
      &trace.copies};
  simulated_options slow; // a copy takes 10 ms
  slow.copy_bytes_per_second =
      static_cast<double>(recipe->layout.row_bytes()) * 100;
  configure(0, slow);
  create(schedule, {0}, recipe);
  create(schedule, {1}, recipe); // pushes particle 0 out
  use back{{0}};
  const auto asked = trace.events.now();
  {
    // What the device has to compute first: the copies wait for it.
    const held_stream hold{guard.getDefaultStream(sim0)};
    c10::Event computed{sim0.type()};
    computed.record(guard.getDefaultStream(sim0));
    REQUIRE(schedule.place(back) == true);
    trace.copies.collect();
    CHECK(names_of(trace.events.read(0, 100))
          == std::vector<std::string>{"write back {} of 0"});
  }
  REQUIRE(settle(back.leases.front(), schedule.swaps()));
  const auto settled = trace.events.now();
  schedule.finish(back);

  trace.copies.collect();
  const auto log = trace.events.read(0, 100);
  CHECK(log.rows == std::vector<std::string>{"sim:0 lane 0", "sim:0 copies"});
  CHECK(names_of(log)
        == std::vector<std::string>{"write back {} of 0", "write back {} of 1",
                                    "load {} of 0"});
  std::int64_t last = 0;
  for (const auto& x : log.events) {
    CHECK(x.row == 1);
    CHECK(x.begin >= last);
    CHECK(x.end - x.begin >= 9'999'000);
    last = x.end;
  }
  CHECK(log.events[1].begin >= asked);
  CHECK(last <= settled);
}

TEST_CASE_METHOD(simulated_fixture, "what is not traced has no events",
                 "[runtime][trace][simulated_device]") {
  const auto stream = guard.getStreamFromGlobalPool(sim0);
  copy_trace::swap nothing{nullptr, stream};
  nothing.begin();
  nothing.copied("load {}", {1});
  device_trace cpu{trace_clock::start(), "cpu:0", 2, false};
  cpu.copies.collect();
  const auto log = cpu.events.read(0, 100);
  CHECK(log.rows == std::vector<std::string>{"cpu:0 lane 0", "cpu:0 lane 1"});
  CHECK(log.events.empty());
}
