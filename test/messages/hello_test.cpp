#include "messages/hello.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

hello mine() {
  return {.build = build_name("0.1.0", "2.11", "1706"),
          .cpu = "AVX2",
          .cluster = "ab12",
          .node = "a",
          .incarnation = 1,
          .secret = "a secret of some length"};
}

} // namespace

TEST_CASE("peers that agree accept each other", "[messages][hello]") {
  auto theirs = mine();
  theirs.incarnation = 2;
  CHECK(check_hello(mine(), theirs));
}

TEST_CASE("a hello that differs is refused with both values",
          "[messages][hello]") {
  auto theirs = mine();
  auto refused = [&theirs](auto change, const char* message) {
    auto other = theirs;
    change(other);
    auto fits = check_hello(mine(), other);
    REQUIRE_FALSE(fits);
    CHECK(fits.error().code == errc::refused);
    CHECK(fits.error().message == message);
  };
  refused([](hello& x) { x.magic = "push"; },
          "hello: magic: expected \"posse\", got \"push\"");
  refused([](hello& x) { x.protocol = 7; },
          "hello: protocol version: expected \"1\", got \"7\"");
  refused([](hello& x) { x.cluster = "cd34"; },
          "hello: cluster: expected \"ab12\", got \"cd34\"");
  refused([](hello& x) { x.node = "b"; },
          "hello: node: expected \"a\", got \"b\"");
  refused([](hello& x) { x.build = "another"; },
          ("hello: build: expected \"" + mine().build + "\", got \"another\"")
              .c_str());
  refused([](hello& x) { x.cpu = "AVX512"; },
          "hello: instruction set: expected \"AVX2\", got \"AVX512\"");
}

TEST_CASE("a process of another version of posse is refused with both versions",
          "[messages][hello]") {
  auto theirs = mine();
  theirs.build = build_name("0.0.9", "2.11", "1706");
  auto fits = check_hello(mine(), theirs);
  REQUIRE_FALSE(fits);
  CHECK(fits.error()
        == failure{errc::refused,
                   "hello: build: expected \"posse 0.1.0, LibTorch 2.11, CAF "
                   "1706\", got \"posse 0.0.9, LibTorch 2.11, CAF 1706\""});
}

TEST_CASE("who lacks the secret learns that and nothing else",
          "[messages][hello]") {
  for (const auto* secret :
       {"", "a secret of some lengtH", "a secret of some length and more"}) {
    auto theirs = mine();
    theirs.secret = secret;
    theirs.cluster = "other";
    auto fits = check_hello(mine(), theirs);
    REQUIRE_FALSE(fits);
    CHECK(fits.error().message == "hello: the secret of [cluster] differs");
  }
}
