#include "runtime/model/vmapped.hpp"

#include "runtime/core/random.hpp"
#include "runtime/model/vmap_level.hpp"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/functorch/BatchedFallback.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/library.h>

#include <unordered_map>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// A key that LibTorch keeps for tests of the dispatcher, as random.cpp's: it
/// counts only while a network's tensors are swapped for batched ones.
constexpr auto swap_key = c10::DispatchKey::TESTING_ONLY_GenericMode;

using swapped_tensors = std::unordered_map<const c10::TensorImpl*, at::Tensor>;

thread_local const swapped_tensors* swapped = nullptr;

/// What stands for `tensor`, or nullptr.
const at::Tensor* stand_in(const at::Tensor& tensor) {
  const auto found = swapped->find(tensor.unsafeGetTensorImpl());
  return found == swapped->end() ? nullptr : &found->second;
}

void swap(c10::IValue& argument) {
  if (argument.isTensor()) {
    if (const auto* other = stand_in(argument.toTensor()))
      argument = *other;
  } else if (argument.isTensorList()) {
    auto list = argument.toTensorVector();
    for (auto& tensor : list)
      if (const auto* other = stand_in(tensor))
        tensor = *other;
    argument = std::move(list);
  }
}

/// Every operator that the network calls. Those that it calls in turn see what
/// is swapped already.
void with_stand_ins(const c10::OperatorHandle& op, c10::DispatchKeySet,
                    torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard below{swap_key};
  const auto count = op.schema().arguments().size();
  for (auto i = stack->size() - count; i < stack->size(); ++i)
    swap((*stack)[i]);
  op.callBoxed(stack);
}

void install_fallback() {
  static const auto* library = [] {
    auto* out = new torch::Library{torch::Library::IMPL, "_", swap_key,
                                   __FILE__, __LINE__};
    out->fallback(torch::CppFunction::makeFromBoxedFunction<&with_stand_ins>());
    return out;
  }();
  static_cast<void>(library);
}

/// While it lives, operators get others for some tensors.
class swap_scope {
public:
  explicit swap_scope(const swapped_tensors& tensors) : key_{swap_key} {
    install_fallback();
    swapped = &tensors;
  }
  swap_scope(const swap_scope&) = delete;
  swap_scope& operator=(const swap_scope&) = delete;
  ~swap_scope() { swapped = nullptr; }

private:
  c10::impl::IncludeDispatchKeyGuard key_;
};

/// Outputs [N, B, K] of forward().
at::Tensor outputs_of(network& net, std::span<const at::Tensor> parameters,
                      std::span<const at::Tensor> buffers, const at::Tensor& x,
                      std::span<const at::Generator> generators) {
  const auto own_parameters = net.parameters();
  const auto own_buffers = net.buffers();
  const auto rows = parameters.front().size(0);
  const auto shared = x.select(0, 0);
  const vmap_level level{rows, at::functorch::RandomnessType::Different};
  swapped_tensors others;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    others[own_parameters[i].unsafeGetTensorImpl()] =
        level.with_rows(parameters[i]);
  for (std::size_t i = 0; i < buffers.size(); ++i)
    others[own_buffers[i].unsafeGetTensorImpl()] = level.with_rows(buffers[i]);
  const auto inputs = x.stride(0) == 0 ? shared : level.with_rows(x);
  const generator_scope numbers{generators, static_cast<std::size_t>(rows)};
  const swap_scope scope{others};
  return level.rows_of(net.forward(inputs));
}

} // namespace

void vmapped_gradients(network& net, std::span<const at::Tensor> parameters,
                       std::span<const at::Tensor> buffers, const at::Tensor& x,
                       std::span<const at::Generator> generators,
                       network::output_slopes slopes,
                       std::span<const at::Tensor> gradients) {
  // What has no batching rule is computed row by row, without a word.
  at::functorch::setVmapFallbackWarningEnabled(false);
  std::vector<at::Tensor> leaves;
  for (const auto& parameter : parameters)
    leaves.push_back(parameter.detach().requires_grad_());
  const auto outputs = [&] {
    const at::AutoGradMode with_graph{true};
    return outputs_of(net, leaves, buffers, x, generators);
  }();
  const auto found =
      torch::autograd::grad({outputs}, leaves, {slopes(outputs.detach())});
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    gradients[i].copy_(found[i]);
}

} // namespace posse
