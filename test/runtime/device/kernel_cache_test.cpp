#include "runtime/device/kernel_cache.hpp"
#include "runtime/device/portable_bits.hpp"
#include "test/support/catch.hpp"

#include <ATen/native/Copy.h>
#include <ATen/native/DispatchStub.h>
#include <ATen/native/ReduceOps.h>

using namespace posse;

namespace {

template <class Stub>
bool is_remembered(Stub& stub) {
  return reinterpret_cast<at::native::DispatchStubImpl&>(stub)
             .cpu_dispatch_ptr.load()
         != nullptr;
}

} // namespace

TEST_CASE("LibTorch remembers its kernels", "[runtime][device]") {
  if (!cpu_capability().starts_with("AVX"))
    SKIP("LibTorch has no kernels for AVX here");
  const auto before = at::arange(1000).to(at::kDouble).sum().item<double>();
  remember_kernels();
  remember_kernels();
  CHECK(is_remembered(at::native::copy_stub));
  CHECK(is_remembered(at::native::sum_stub));
  CHECK(at::arange(1000).to(at::kDouble).sum().item<double>() == before);
}
