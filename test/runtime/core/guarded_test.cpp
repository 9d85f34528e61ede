#include "runtime/core/guarded.hpp"
#include "test/support/catch.hpp"

#include <stdexcept>

using namespace posse;
using Catch::Matchers::StartsWith;

TEST_CASE("guarded passes a result through", "[runtime][guarded]") {
  CHECK(guarded("sum", [] { return 2 + 2; }) == 4);
  CHECK(guarded("nothing", [] {}).has_value());
}

TEST_CASE("guarded keeps an expected flat", "[runtime][guarded]") {
  auto r = guarded("inner", []() -> expected<int> {
    return fail(errc::invalid_argument, "inner: no");
  });
  CHECK(r.error().code == errc::invalid_argument);
}

TEST_CASE("guarded names what failed and drops the backtrace",
          "[runtime][guarded]") {
  auto r = guarded("product", [] {
    return at::mm(at::ones({2, 3}), at::ones({2, 3}));
  });
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::backend_error);
  CHECK_THAT(r.error().message, StartsWith("product: "));
  CHECK(r.error().message.find('\n') == std::string::npos);
  auto s = guarded("parse", []() -> int { throw std::runtime_error("bad"); });
  CHECK(s.error().message == "parse: bad");
  auto full = guarded("row", [] { return at::empty({std::int64_t{1} << 55}); });
  CHECK(full.error().code == errc::out_of_memory);
  auto m = guarded("room", []() -> int { throw std::bad_alloc{}; });
  CHECK(m.error().code == errc::out_of_memory);
}
