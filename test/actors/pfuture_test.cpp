#include "actors/pfuture.hpp"
#include "test/support/catch.hpp"

#include <thread>

using namespace posse;
using namespace std::chrono_literals;

TEST_CASE("a future gives its first result to every copy",
          "[actors][pfuture]") {
  const pfuture::promise promise;
  const auto a = promise.future();
  const auto b = a;
  CHECK_FALSE(a.ready());
  CHECK(promise.set(value{1}));
  CHECK_FALSE(promise.set(value{2}));
  CHECK(a.wait() == value{1});
  CHECK(b.wait() == value{1}); // stays readable
}

TEST_CASE("waiting with patience ends without a result", "[actors][pfuture]") {
  const pfuture::promise promise;
  auto f = promise.future();
  CHECK(f.wait_for(1ms).error().code == errc::timed_out);
  promise.set(fail(errc::cancelled, "stop"));
  CHECK(f.wait_for(1ms).error().code == errc::cancelled);
}

TEST_CASE("waiting for all keeps the order and every failure",
          "[actors][pfuture]") {
  std::vector<pfuture::promise> promises(3);
  std::vector<pfuture> futures;
  for (const auto& p : promises)
    futures.push_back(p.future());
  promises[2].set(value{2});
  promises[0].set(value{0});
  promises[1].set(fail(errc::cancelled, "one"));
  auto all = wait_all(futures);
  CHECK(all[0] == value{0});
  CHECK(all[1].error().message == "one");
  CHECK(all[2] == value{2});
}

TEST_CASE("waiting for any wakes when one comes", "[actors][pfuture]") {
  std::vector<pfuture::promise> promises(3);
  std::vector<pfuture> futures;
  for (const auto& p : promises)
    futures.push_back(p.future());
  CHECK(wait_any({}, 1ms).error().code == errc::invalid_argument);
  CHECK(wait_any(futures, 1ms).error().code == errc::timed_out);
  std::thread later{[&] { promises[1].set(value{}); }};
  CHECK(wait_any(futures, 1h) == 1);
  later.join();
  promises[0].set(value{});
  CHECK(wait_any(futures, 1h) == 0);
}
