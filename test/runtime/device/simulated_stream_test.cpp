#include "test/support/catch.hpp"
#include "test/support/simulated_fixture.hpp"

#include <array>
#include <chrono>
#include <thread>

using namespace posse::test;
using std::chrono::steady_clock;

namespace {

c10::Event recorded(const c10::Stream& stream) {
  c10::Event event{c10::DeviceType::HPU};
  event.record(stream);
  return event;
}

} // namespace

TEST_CASE_METHOD(simulated_fixture,
                 "an asynchronous copy returns before it is done",
                 "[runtime][simulated_device]") {
  const auto stream = guard.getStream(sim0);
  const auto host = torch::arange(1000);
  auto x = torch::zeros({1000}, host.options().device(sim0));
  auto back = torch::zeros_like(host);
  held_stream hold{stream};
  x.copy_(host, /*non_blocking=*/true);
  back.copy_(x, /*non_blocking=*/true);
  const auto event = recorded(stream);
  CHECK_FALSE(event.query());
  CHECK_FALSE(guard.queryStream(stream));
  CHECK(back.sum().item<std::int64_t>() == 0);
  hold.let_go();
  event.synchronize();
  CHECK(event.query());
  CHECK(torch::equal(back, host));
  CHECK(counters_of(0).async_copies == 2);
  guard.synchronizeStream(stream);
  CHECK(guard.queryStream(stream));
}

TEST_CASE_METHOD(simulated_fixture,
                 "a kernel sees what was copied before it on its stream",
                 "[runtime][simulated_device]") {
  const auto host = torch::arange(1000);
  auto x = torch::zeros({1000}, host.options().device(sim0));
  at::Tensor sum;
  held_stream hold{guard.getStream(sim0)};
  x.copy_(host, /*non_blocking=*/true);
  std::thread kernel{[&] { sum = x.sum(); }}; // on the default stream as well
  hold.let_go();
  kernel.join();
  CHECK(sum.item<std::int64_t>() == 499500);
}

TEST_CASE_METHOD(simulated_fixture, "streams do not wait for one another",
                 "[runtime][simulated_device]") {
  const auto slow = guard.getNewStream(sim0);
  const auto fast = guard.getStreamFromGlobalPool(sim0);
  REQUIRE(slow != fast);
  auto x = torch::zeros({4}, sim0);
  held_stream hold{slow};
  {
    const c10::StreamGuard on_slow{slow};
    REQUIRE(guard.getStream(sim0) == slow);
    x.copy_(torch::ones({4}), /*non_blocking=*/true);
  }
  {
    const c10::StreamGuard on_fast{fast};
    auto y = torch::full({4}, 5.0F).to(sim0) * 2;
    CHECK(y.sum().item<float>() == 40);
    CHECK(x.sum().item<float>() == 0);
  }
  CHECK(guard.queryStream(fast));
  CHECK_FALSE(guard.queryStream(slow));
  hold.let_go();
  guard.synchronizeDevice(sim0.index());
  CHECK(x.sum().item<float>() == 4);
}

TEST_CASE_METHOD(simulated_fixture, "an event orders two streams",
                 "[runtime][simulated_device]") {
  const auto first = guard.getNewStream(sim0);
  const auto second = guard.getNewStream(sim0);
  auto x = torch::zeros({4}, sim0);
  auto back = torch::zeros({4});
  held_stream hold{first};
  {
    const c10::StreamGuard on_first{first};
    x.copy_(torch::ones({4}), /*non_blocking=*/true);
  }
  const auto loaded = recorded(first);
  loaded.block(second);
  {
    const c10::StreamGuard on_second{second};
    back.copy_(x, /*non_blocking=*/true);
  }
  CHECK_FALSE(guard.queryStream(second));
  hold.let_go();
  guard.synchronizeStream(second);
  CHECK(loaded.query());
  CHECK(back.sum().item<float>() == 4);
}

TEST_CASE_METHOD(simulated_fixture, "an event is its newest version",
                 "[runtime][simulated_device]") {
  const auto stream = guard.getNewStream(sim0);
  c10::Event event{c10::DeviceType::HPU, c10::EventFlag::BACKEND_DEFAULT};
  CHECK(event.query()); // never recorded
  event.record(stream);
  CHECK(event.query());
  held_stream hold{stream};
  event.record(stream);
  CHECK_FALSE(event.query());
  hold.let_go();
  event.synchronize();
  CHECK(event.query());
  c10::Event later{c10::DeviceType::HPU, c10::EventFlag::BACKEND_DEFAULT};
  later.record(stream);
  later.synchronize();
  CHECK(event.elapsedTime(later) >= 0);
}

TEST_CASE_METHOD(simulated_fixture,
                 "what a copy needs lives until the copy is done",
                 "[runtime][simulated_device]") {
  const auto stream = guard.getNewStream(sim0);
  auto back = torch::zeros({256});
  held_stream hold{stream};
  {
    const c10::StreamGuard on_stream{stream};
    auto x = torch::empty({256}, sim0);
    x.copy_(torch::ones({256}), /*non_blocking=*/true);
    back.copy_(x, /*non_blocking=*/true);
  }
  CHECK(counters_of(0).bytes_in_use == 1024);
  {
    const auto other = torch::full({256}, 2.0F, sim0); // does not reuse it
    CHECK(counters_of(0).bytes_in_use == 2048);
  }
  hold.let_go();
  guard.synchronizeStream(stream);
  CHECK(back.sum().item<float>() == 256);
  CHECK(counters_of(0).bytes_in_use == 0);
}

TEST_CASE_METHOD(simulated_fixture,
                 "a queued copy keeps to the data that it was given",
                 "[runtime][simulated_device]") {
  auto x = torch::zeros({4}, sim0);
  const auto old = x.detach();
  auto host = torch::ones({4});
  {
    const held_stream hold{guard.getStream(sim0)};
    x.copy_(host, /*non_blocking=*/true);
    host.set_data(torch::full({4}, 7.0F));
    x.set_data(torch::empty({0}, sim0));
  }
  CHECK(old.sum().item<float>() == 4);
}

TEST_CASE_METHOD(simulated_fixture, "a tensor moves both ways without waiting",
                 "[runtime][simulated_device]") {
  const auto host = torch::arange(4).pin_memory();
  CHECK(host.is_pinned());
  CHECK_FALSE(torch::arange(4).is_pinned());
  at::Tensor back;
  {
    const held_stream hold{guard.getStream(sim0)};
    back = host.to(sim0, /*non_blocking=*/true)
               .to(c10::kCPU, /*non_blocking=*/true);
  }
  guard.synchronizeStream(guard.getStream(sim0));
  CHECK(torch::equal(back, host));
  CHECK(torch::full({1, 1}, 3, sim0).item<int>() == 3);
}

TEST_CASE_METHOD(simulated_fixture, "copies of other types and strides convert",
                 "[runtime][simulated_device]") {
  auto host = torch::arange(12).view({3, 4});
  auto x = torch::empty({4, 3}, sim0);
  x.t().copy_(host, /*non_blocking=*/true);
  CHECK(torch::equal(x.t().to(c10::kCPU, torch::kLong), host));
  x.copy_(torch::arange(3)); // to every row
  CHECK(torch::equal(x.cpu()[3], torch::arange(3).to(torch::kFloat)));
  CHECK_THROWS_AS(x.copy_(torch::ones({5}), /*non_blocking=*/true), c10::Error);
}

TEST_CASE_METHOD(simulated_fixture,
                 "streams share the link, and each copy takes its time",
                 "[runtime][simulated_device]") {
  using std::chrono::milliseconds;
  configure(0, {.copy_bytes_per_second = 1e8});
  const auto host = torch::zeros({250'000});
  auto x = torch::empty({2, 250'000}, sim0);
  const auto start = steady_clock::now();
  const std::array streams{guard.getNewStream(sim0), guard.getNewStream(sim0)};
  for (std::size_t i = 0; i < 2; ++i) {
    const c10::StreamGuard on_stream{streams[i]};
    x[static_cast<std::int64_t>(i)].copy_(host, /*non_blocking=*/true);
  }
  guard.synchronizeDevice(sim0.index());
  CHECK(steady_clock::now() - start >= milliseconds{20});
}

TEST_CASE_METHOD(simulated_fixture, "a kernel takes at least its time",
                 "[runtime][simulated_device]") {
  using std::chrono::milliseconds;
  auto x = torch::zeros({250'000}, sim0);
  configure(0, {.kernel_seconds = 0.002, .kernel_bytes_per_second = 1e8});
  auto start = steady_clock::now();
  x.add_(1);
  CHECK(steady_clock::now() - start >= milliseconds{10});
  start = steady_clock::now();
  x[0].neg_();
  CHECK(steady_clock::now() - start >= milliseconds{2});
}
