#include "apps/posse/saved_network.hpp"

#include "runtime/checkpoint/manifest.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace posse {

namespace {

expected<void> load_tensor(const std::string& name, const at::Tensor& target,
                           const particle_record& record) {
  const auto damaged = [&](const std::string& what) {
    return fail(errc::corrupt_checkpoint, particle_file_name(record.pid)
                                              + ": tensor \"" + name
                                              + "\": " + what);
  };
  const auto found = std::ranges::find_if(
      record.tensors, [&](const auto& each) { return each.first == name; });
  if (found == record.tensors.end())
    return damaged("it is missing");
  auto source = to_tensor(found->second);
  if (!source)
    return fail(std::move(source));
  if (source->sizes() != target.sizes()
      || source->scalar_type() != target.scalar_type())
    return damaged(c10::str("expected ", target.scalar_type(), " ",
                            target.sizes(), ", got ", source->scalar_type(),
                            " ", source->sizes()));
  target.copy_(*source);
  return {};
}

} // namespace

expected<std::shared_ptr<network>> load_network(const model_spec& spec,
                                                const particle_record& record) {
  return guarded("load network", [&]() -> expected<std::shared_ptr<network>> {
    const at::NoGradGuard no_grad;
    auto net = make_network(spec);
    if (!net)
      return fail(std::move(net));
    for (const auto& each : (*net)->named_parameters())
      if (auto ok = load_tensor(each.key(), each.value(), record); !ok)
        return fail(std::move(ok));
    for (const auto& each : (*net)->named_buffers())
      if (auto ok = load_tensor(each.key(), each.value(), record); !ok)
        return fail(std::move(ok));
    (*net)->eval();
    return net;
  });
}

} // namespace posse
