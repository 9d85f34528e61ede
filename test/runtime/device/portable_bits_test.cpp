#include "runtime/device/portable_bits.hpp"
#include "test/support/catch.hpp"

#include <cstdlib>
#include <string>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

// A program of its own: LibTorch chooses its instruction set once a process.
TEST_CASE("portable bits pin LibTorch to AVX2 or say why not",
          "[runtime][device]") {
  auto pinned = pin_portable_bits();
  if (__builtin_cpu_supports("avx2")) {
    REQUIRE(pinned);
    CHECK(cpu_capability() == "AVX2");
    CHECK(std::string{std::getenv("ONEDNN_MAX_CPU_ISA")} == "AVX2");
  } else {
    REQUIRE_FALSE(pinned);
    CHECK(pinned.error().code == errc::device_unavailable);
    CHECK_THAT(pinned.error().message, ContainsSubstring("AVX2"));
  }
}
