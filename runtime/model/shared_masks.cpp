#include "runtime/model/shared_masks.hpp"

#include "runtime/core/random.hpp"
#include "runtime/model/vmap_level.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/functorch/BatchedFallback.h>

#include <vector>

namespace posse {

namespace {

/// The same numbers whenever it is called.
at::Generator numbers_on(c10::Device device, const at::Generator& numbers) {
  const auto own = numbers.clone();
  if (!device.is_cuda())
    return own;
  auto there = at::globalContext()
                   .getAcceleratorHooksInterface(device.type())
                   .getNewGenerator(device.index());
  there.set_current_seed(
      at::check_generator<at::CPUGeneratorImpl>(own)->random64());
  return there;
}

at::Tensor all_at_once(network& net, const at::Tensor& x,
                       const at::Generator& numbers) {
  // What has no batching rule is computed row by row, without a word.
  at::functorch::setVmapFallbackWarningEnabled(false);
  const generator_scope same{numbers_on(x.device(), numbers)};
  const vmap_level level{x.size(0), at::functorch::RandomnessType::Same};
  const auto rows = level.with_rows(x.unsqueeze(1));
  return level.rows_of(net.forward(rows)).squeeze(1);
}

} // namespace

at::Tensor forward_with_shared_masks(network& net, const at::Tensor& x,
                                     const at::Generator& numbers) {
  try {
    return all_at_once(net, x, numbers);
  } catch (const c10::Error&) {
    if (x.is_cuda())
      throw;
  }
  std::vector<at::Tensor> outputs;
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    const generator_scope same{numbers_on(x.device(), numbers)};
    outputs.push_back(net.forward(x.narrow(0, n, 1)));
  }
  return at::cat(outputs);
}

} // namespace posse
