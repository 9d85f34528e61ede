#include "runtime/device/kernel_cache.hpp"

#ifdef POSSE_REMEMBER_KERNELS

#include <ATen/native/Activation.h>
#include <ATen/native/BinaryOps.h>
#include <ATen/native/Copy.h>
#include <ATen/native/DispatchStub.h>
#include <ATen/native/Fill.h>
#include <ATen/native/FusedAdagrad.h>
#include <ATen/native/FusedAdam.h>
#include <ATen/native/FusedSGD.h>
#include <ATen/native/ReduceOps.h>
#include <ATen/native/TensorCompare.h>
#include <ATen/native/UnaryOps.h>

#include <atomic>
#include <type_traits>
#include <variant>

namespace posse {

namespace {

template <class Stub>
void remember(Stub& stub) {
  // Its only member, to which there is no other way.
  static_assert(
      std::is_standard_layout_v<
          Stub> && sizeof(Stub) == sizeof(at::native::DispatchStubImpl));
  auto& cache = reinterpret_cast<at::native::DispatchStubImpl&>(stub);
  if (cache.cpu_dispatch_ptr.load(std::memory_order_relaxed) != nullptr)
    return;
  const auto found =
      cache.try_choose_cpu_impl(reinterpret_cast<void*>(Stub::DEFAULT),
                                reinterpret_cast<void*>(Stub::AVX512),
                                reinterpret_cast<void*>(Stub::AVX2));
  if (const auto* kernel = std::get_if<void*>(&found))
    cache.cpu_dispatch_ptr.store(*kernel, std::memory_order_relaxed);
}

} // namespace

void remember_kernels() {
  // Those that a step of a small network calls; in larger ones it is no matter.
  namespace n = at::native;
  const auto all = [](auto&... stubs) { (remember(stubs), ...); };
  all(n::copy_stub, n::fill_stub, n::sum_stub, n::clamp_min_scalar_stub,
      n::threshold_stub, n::softplus_stub, n::softplus_backward_stub,
      n::add_stub, n::mul_stub, n::div_true_stub, n::exp_stub, n::log_stub,
      n::sqrt_stub, n::reciprocal_stub, n::fused_adam_stub, n::fused_sgd_stub,
      n::fused_adagrad_stub);
}

} // namespace posse

#else

namespace posse {

void remember_kernels() {}

} // namespace posse

#endif
