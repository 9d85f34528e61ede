#include "test/support/simulated_machine.hpp"
#include "test/support/simulated_tensor.hpp"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

// Kernels: the CPU's, on host views of the devices' memory.

namespace posse::test {

namespace {

/// The tensors of one call, as the device's caller and the host's kernel know
/// them.
class operands {
public:
  explicit operands(const c10::OperatorHandle& op) : op_{op} {}

  /// What the kernel gets for `tensor`. Throws c10::Error if it is on another
  /// device than the operands before it.
  /// @param may_be_host Whether a tensor of the host is welcome.
  at::Tensor to_host(const at::Tensor& tensor, bool may_be_host) {
    if (!tensor.defined())
      return tensor;
    if (tensor.device().type() != c10::DeviceType::HPU) {
      foreign_ = may_be_host ? foreign_ : tensor.device();
      check_device();
      return tensor;
    }
    if (device_ && tensor.device() != *device_)
      foreign_ = tensor.device();
    device_ = device_.value_or(tensor.device());
    check_device();
    for (const auto& known : list_)
      if (known.device.is_same(tensor))
        return known.host;
    bytes_ += tensor.nbytes();
    list_.push_back({tensor, host_view(tensor, storage_for(tensor))});
    return list_.back().host;
  }

  /// What the caller gets for `host`, which the kernel returned.
  at::Tensor to_device(const at::Tensor& host, c10::Device device) const {
    if (!host.defined() || host.device() != c10::kCPU)
      return host;
    for (const auto& known : list_)
      if (known.host.is_same(host))
        return known.device;
    for (const auto& known : list_)
      if (known.host.is_alias_of(host))
        return view_of(known.device, host);
    auto out =
        empty_on(device, host.sizes(), host.strides(), host.scalar_type());
    const auto bytes = at::detail::computeStorageNbytes(
        host.sizes(), host.strides(), host.itemsize());
    if (bytes > 0) // the strides' gaps as well
      std::memcpy(host_view(out).mutable_data_ptr(), host.const_data_ptr(),
                  bytes);
    return out;
  }

  /// Gives the device's tensors the sizes that the kernel gave the host's.
  void follow_resizes() const {
    for (const auto& known : list_) {
      if (known.device.sizes() == known.host.sizes()
          && known.device.strides() == known.host.strides())
        continue;
      follow_growth(known.host.storage(), known.device.storage());
      known.device.unsafeGetTensorImpl()->set_sizes_and_strides(
          known.host.sizes(), known.host.strides(),
          known.host.storage_offset());
    }
  }

  std::optional<c10::Device> device() const { return device_; }
  std::size_t bytes() const { return bytes_; }

private:
  struct operand {
    at::Tensor device;
    at::Tensor host;
  };

  void check_device() const {
    TORCH_CHECK(!device_ || !foreign_, op_.operator_name(),
                ": expected all tensors on ", *device_, ", found one on ",
                *foreign_);
  }

  // Tensors that overlap on the device have to overlap on the host.
  c10::Storage storage_for(const at::Tensor& tensor) const {
    for (const auto& known : list_)
      if (known.device.is_alias_of(tensor))
        return known.host.storage();
    return host_storage(tensor.storage());
  }

  static at::Tensor view_of(const at::Tensor& base, const at::Tensor& host) {
    auto view = at::detail::make_tensor<c10::TensorImpl>(
        c10::TensorImpl::VIEW, c10::Storage{base.storage()}, base.key_set(),
        host.dtype());
    view.unsafeGetTensorImpl()->set_sizes_and_strides(
        host.sizes(), host.strides(), host.storage_offset());
    return view;
  }

  static void follow_growth(const c10::Storage& host,
                            const c10::Storage& device) {
    if (host.nbytes() <= device.nbytes())
      return;
    TORCH_CHECK(device.resizable(), "cannot resize foreign memory");
    auto& unit = unit_of(device.device());
    auto memory = unit.allocator.allocate(host.nbytes());
    unit.allocator.copy_data(memory.get(), host.data(), host.nbytes());
    device.unsafeGetStorageImpl()->set_data_ptr_noswap(std::move(memory));
    device.unsafeGetStorageImpl()->set_nbytes(host.nbytes());
  }

  const c10::OperatorHandle& op_;
  std::vector<operand> list_;
  std::optional<c10::Device> device_;
  std::optional<c10::Device> foreign_;
  std::size_t bytes_{0};
};

/// Replaces the arguments on top of `stack` by the host's.
/// @returns the device that is asked for: an argument's or a tensor's.
c10::Device arguments_to_host(const c10::OperatorHandle& op,
                              torch::jit::Stack& stack, operands& tensors) {
  std::optional<c10::Device> asked;
  const auto& arguments = op.schema().arguments();
  const auto first = stack.size() - arguments.size();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& value = stack[first + i];
    const auto* alias = arguments[i].alias_info();
    const auto written = alias != nullptr && alias->isWrite();
    if (value.isTensor()) {
      const auto& tensor = value.toTensor();
      // As on any device, the host may give numbers.
      const auto number = tensor.defined() && tensor.dim() == 0 && !written;
      value = tensors.to_host(tensor, number);
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(tensors.to_host(tensor, false));
      value = std::move(list);
    } else if (value.isOptionalTensorList()) {
      // Indices, which the host may give.
      c10::List<std::optional<at::Tensor>> list;
      for (const auto& tensor : value.toOptionalTensorVector())
        list.push_back(tensor ? std::optional{tensors.to_host(*tensor, true)}
                              : std::nullopt);
      value = std::move(list);
    } else if (value.isDevice()) {
      asked = value.toDevice();
      if (!asked->has_index() && asked->type() == c10::DeviceType::HPU)
        asked = current_device();
      value = c10::Device{c10::kCPU};
    }
  }
  return asked ? *asked : tensors.device().value_or(current_device());
}

void results_to_device(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                       const operands& tensors, c10::Device device) {
  const auto first = stack.size() - op.schema().returns().size();
  for (auto i = first; i < stack.size(); ++i) {
    auto& value = stack[i];
    if (value.isTensor()) {
      value = tensors.to_device(value.toTensor(), device);
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(tensors.to_device(tensor, device));
      value = std::move(list);
    }
  }
}

void run_on_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  operands tensors{op};
  const auto device = arguments_to_host(op, *stack, tensors);
  if (device.type() != c10::DeviceType::HPU) { // asks for a host's tensor
    op.redispatchBoxed(c10::DispatchKeySet{c10::DispatchKey::CPU}, stack);
    return;
  }
  run_kernel(unit_of(device), tensors.bytes(), [&] {
    const at::AutoDispatchBelowADInplaceOrView no_autograd;
    op.redispatchBoxed(c10::DispatchKeySet{c10::DispatchKey::CPU}, stack);
    tensors.follow_resizes();
    results_to_device(op, *stack, tensors, device);
  });
}

/// Whether the CPU has a kernel of its own. For a device without one LibTorch
/// may compose the operation of others, which differs in the last bits.
bool runs_on_host(const c10::OperatorHandle& op) {
  return op.hasKernelForDispatchKey(c10::DispatchKey::CPU)
         && !op.hasKernelForDispatchKey(c10::DispatchKey::HPU);
}

} // namespace

void run_kernel(simulated_unit& unit, std::size_t operand_bytes,
                const simulated_stream::work& kernel) {
  ++unit.kernels;
  const auto options = unit.options();
  auto seconds = options.kernel_seconds;
  if (options.kernel_bytes_per_second > 0)
    seconds = std::max(seconds, static_cast<double>(operand_bytes)
                                    / options.kernel_bytes_per_second);
  current_stream(unit).run([&] {
    const auto start = std::chrono::steady_clock::now();
    kernel();
    if (seconds > 0)
      std::this_thread::sleep_until(start
                                    + std::chrono::duration<double>{seconds});
  });
}

torch::Library& device_ops() {
  static auto& ops = *new torch::Library{
      torch::Library::IMPL, "aten", c10::DispatchKey::HPU, __FILE__, __LINE__};
  return ops;
}

void register_kernels() {
  auto impl = [](const char* name) {
    device_ops().impl(
        name, torch::CppFunction::makeFromBoxedFunction<&run_on_host>());
  };
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames())
    if (name.getNamespace() == "aten"
        && runs_on_host(dispatcher.findOp(name).value()))
      impl(c10::toString(name).c_str());
  // The CPU's way through these is chosen by the tensors' device.
  impl("convolution");
  impl("convolution_backward");
}

} // namespace posse::test
