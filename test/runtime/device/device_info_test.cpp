#include "runtime/device/device_info.hpp"
#include "runtime/device/libtorch_cuda.hpp"
#include "test/support/catch.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>

using namespace posse;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("the first device listed is the CPU", "[runtime][device]") {
  auto devices = list_devices();
  REQUIRE_FALSE(devices.empty());
  const auto& cpu = devices.front();
  CHECK(cpu.id == device_id{device_kind::cpu, 0});
  CHECK_FALSE(cpu.name.empty());
  CHECK(cpu.units >= 1);
  CHECK(cpu.free_bytes > 0);
  CHECK(cpu.free_bytes <= cpu.total_bytes);
  CHECK(cpu.total_bytes > std::int64_t{1}
                              << 28); // LibTorch alone needs 1/4 GiB
}

TEST_CASE("every CPU device exists", "[runtime][device]") {
  CHECK(check_device({device_kind::cpu, 0}));
  CHECK(check_device({device_kind::cpu, 5}));
}

TEST_CASE("a GPU that is not there is one clear line", "[runtime][device]") {
  // No machine has this one, with or without GPUs.
  auto ok = check_device({device_kind::cuda, max_device_index});
  REQUIRE_FALSE(ok);
  CHECK(ok.error().code == errc::device_unavailable);
  CHECK_THAT(ok.error().message, StartsWith("cuda:127: "));
  CHECK(ok.error().message.find('\n') == std::string::npos);
  // Asking again gives the same answer: LibTorch remembers its first.
  CHECK(check_device({device_kind::cuda, max_device_index}).error()
        == ok.error());
}

TEST_CASE("the first GPU exists where LibTorch counts one",
          "[runtime][device]") {
  auto gpus = load_libtorch_cuda();
  if (!gpus)
    SKIP("no GPU: " << gpus.error().message);
  CHECK(check_device({device_kind::cuda, 0}));
  CHECK_FALSE(check_device({device_kind::cuda, *gpus}));
  CHECK(at::ones({2}, at::kCUDA).sum().item<float>() == 2);
}

TEST_CASE("a simulated device needs a test that registers it",
          "[runtime][device]") {
  if (c10::impl::hasDeviceGuardImpl(c10::DeviceType::HPU))
    SKIP("another test of this program registered simulated devices");
  auto ok = check_device({device_kind::sim, 0});
  REQUIRE_FALSE(ok);
  CHECK(ok.error()
        == failure{errc::device_unavailable,
                   "sim:0: simulated devices exist in tests only"});
}

TEST_CASE("why CUDA is not there is told in one line", "[runtime][device]") {
  CHECK(explain_cuda_failure("CUDA: Found no NVIDIA driver on your system. "
                             "Please check that you have an NVIDIA GPU")
        == "no NVIDIA driver on this machine");
  CHECK_THAT(
      explain_cuda_failure("CUDA: The NVIDIA driver on your system is too old "
                           "(found version 12000)"),
      ContainsSubstring("driver is older"));
  CHECK_THAT(
      explain_cuda_failure("libcufile.so.0: cannot open shared object file: "
                           "No such file or directory"),
      StartsWith("LibTorch's CUDA library needs libcufile.so.0,")
          && ContainsSubstring("pip install torch"));
  CHECK_THAT(
      explain_cuda_failure("libtorch_cuda.so: cannot open shared object file: "
                           "No such file or directory"),
      ContainsSubstring("without CUDA"));
  CHECK(explain_cuda_failure("CUDA: something new\nframe #0: f()")
        == "CUDA: something new");
}
