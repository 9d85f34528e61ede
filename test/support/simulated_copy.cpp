#include "test/support/simulated_machine.hpp"
#include "test/support/simulated_tensor.hpp"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/library.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

// Copies to, from and between simulated devices.

namespace posse::test {

namespace {

bool simulated(const at::Tensor& tensor) {
  return tensor.device().type() == c10::DeviceType::HPU;
}

/// A tensor of the host over the bytes of `tensor`, wherever they are, that
/// stays as it is if `tensor` is given other data.
at::Tensor bytes_of(const at::Tensor& tensor) {
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  return simulated(tensor) ? host_view(tensor) : tensor.detach();
}

/// @param from, to Both from bytes_of().
void copy_now(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() == to.sizes() && from.dtype() == to.dtype()
      && from.is_contiguous() && to.is_contiguous()) {
    // No kernel: it would start threads of its own in the stream's thread.
    if (from.numel() > 0)
      std::memmove(to.mutable_data_ptr(), from.const_data_ptr(), from.nbytes());
    return;
  }
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  at::Tensor{to}.copy_(from);
}

/// Takes the link to or from `unit` for the bytes of `from`.
std::chrono::steady_clock::time_point
reserve(simulated_unit& unit, bool to_device, const at::Tensor& from) {
  return (to_device ? unit.to_device : unit.to_host)
      .reserve(from.nbytes(), unit.options().copy_bytes_per_second);
}

void count(simulated_unit& unit, bool to_device, const at::Tensor& from) {
  ++(to_device ? unit.copies_to_device : unit.copies_to_host);
  (to_device ? unit.bytes_to_device : unit.bytes_to_host) += from.nbytes();
}

void copy_over_link(const at::Tensor& from, const at::Tensor& to,
                    bool non_blocking) {
  const auto to_device = simulated(to);
  auto& unit = unit_of((to_device ? to : from).device());
  auto& stream = current_stream(unit);
  count(unit, to_device, from);
  auto copy = [&unit, to_device, from = bytes_of(from), to = bytes_of(to)] {
    // The bytes come last, so that who does not wait for them is found out.
    std::this_thread::sleep_until(reserve(unit, to_device, from));
    copy_now(from, to);
  };
  if (non_blocking) {
    ++unit.async_copies;
    stream.enqueue(std::move(copy));
  } else {
    stream.run(copy);
  }
}

/// Over both devices' links, after what is on both current streams; never
/// asynchronous.
void copy_between_devices(const at::Tensor& from, const at::Tensor& to) {
  auto& source = unit_of(from.device());
  auto& target = unit_of(to.device());
  count(source, false, from);
  count(target, true, from);
  current_stream(target).synchronize();
  current_stream(source).run([&] {
    std::this_thread::sleep_until(
        std::max(reserve(source, false, from), reserve(target, true, from)));
    copy_now(bytes_of(from), bytes_of(to));
  });
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to,
                     bool non_blocking) {
  TORCH_CHECK(at::is_expandable_to(from.sizes(), to.sizes()),
              "cannot copy sizes ", from.sizes(), " to ", to.sizes());
  if (to.numel() == 0)
    return to;
  if (!simulated(from) || !simulated(to))
    copy_over_link(from, to, non_blocking);
  else if (from.device() != to.device())
    copy_between_devices(from, to);
  else
    run_kernel(unit_of(to.device()), from.nbytes() + to.nbytes(),
               [&] { copy_now(bytes_of(from), bytes_of(to)); });
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, /*non_blocking=*/false);
}

at::Scalar local_scalar(const at::Tensor& self) {
  auto host = at::empty(self.sizes(), self.options().device(c10::kCPU));
  copy_over_link(self, host, /*non_blocking=*/false);
  return at::_local_scalar_dense(host);
}

} // namespace

void register_copies() {
  auto& ops = device_ops();
  ops.impl("_copy_from", &copy_from);
  ops.impl("_copy_from_and_resize", &copy_from_and_resize);
  ops.impl("_local_scalar_dense", &local_scalar);
}

} // namespace posse::test
