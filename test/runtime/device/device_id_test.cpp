#include "runtime/device/device_id.hpp"
#include "test/support/catch.hpp"

using namespace posse;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a device's name survives a round trip", "[runtime][device]") {
  auto name = GENERATE("cpu:0", "cpu:12", "cuda:3", "cuda:127", "sim:1");
  auto id = parse_device(name);
  REQUIRE(id);
  CHECK(to_string(*id) == name);
}

TEST_CASE("a device's name has one spelling", "[runtime][device]") {
  auto text = GENERATE("", "cpu", "cpu:", ":0", "gpu:0", "CPU:0", "cpu: 0",
                       " cpu:0", "cpu:0 ", "cpu:-1", "cpu:+1", "cpu:01",
                       "cpu:0x1", "cpu:1:2", "cuda:128", "cuda:99999999999");
  auto id = parse_device(text);
  REQUIRE_FALSE(id);
  CHECK(id.error().code == errc::invalid_argument);
  CHECK_THAT(id.error().message,
             ContainsSubstring("got \"" + std::string{text} + '"'));
}

TEST_CASE("all CPU devices are LibTorch's one CPU", "[runtime][device]") {
  CHECK(to_torch({device_kind::cpu, 0}) == c10::Device{c10::kCPU});
  CHECK(to_torch({device_kind::cpu, 7}) == c10::Device{c10::kCPU});
  CHECK(to_torch({device_kind::cuda, 2}) == c10::Device{c10::kCUDA, 2});
  CHECK(to_torch({device_kind::sim, 1}) == c10::Device{c10::kHPU, 1});
}

TEST_CASE("devices sort by kind, then by number", "[runtime][device]") {
  CHECK(device_id{device_kind::cpu, 9} < device_id{device_kind::cuda, 0});
  CHECK(device_id{device_kind::cuda, 0} < device_id{device_kind::cuda, 1});
}
