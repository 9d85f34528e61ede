#include "runtime/store/particle_view.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/tensor_value.hpp"
#include "runtime/store/particle_store.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace posse {

namespace {

bool is_value(const row_section& section) {
  return section.role == section_role::parameters
         || section.role == section_role::buffers;
}

std::int64_t bytes_of(const row_section& section) {
  return section.width
         * static_cast<std::int64_t>(at::elementSize(section.type));
}

/// Parameters and buffers are the first sections of a row.
std::int64_t value_bytes(const particle_layout& layout) {
  std::int64_t end = 0;
  for (const auto& section : layout.sections())
    if (is_value(section))
      end = std::max(end, section.offset_bytes + bytes_of(section));
  return end;
}

/// The bytes [from, from + count) of a row, on the host.
at::Tensor copied(const at::Tensor& row, std::int64_t from,
                  std::int64_t count) {
  return row.narrow(0, from, count)
      .to(at::kCPU, /*non_blocking=*/false, /*copy=*/true);
}

/// Each tensor of a section [width], which they share, with its name.
template <class Take>
expected<void> for_each_blob(const row_section& section, const at::Tensor& flat,
                             Take take) {
  for (const auto& place : section.tensors) {
    auto blob =
        to_blob(flat.narrow(0, place.offset, place.numel).view(place.shape));
    if (!blob)
      return fail(std::move(blob));
    take(place.name, std::move(*blob));
  }
  return {};
}

expected<void> copy_into(const at::Tensor& target, const tensor_blob& blob,
                         std::string_view name) {
  auto source = to_tensor(blob);
  if (!source)
    return fail(std::move(source));
  if (source->sizes() != target.sizes()
      || source->scalar_type() != target.scalar_type())
    return fail(errc::malformed,
                "tensor \"" + std::string{name} + "\": expected "
                    + c10::str(target.sizes(), " ", target.scalar_type())
                    + ", got "
                    + c10::str(source->sizes(), " ", source->scalar_type()));
  target.copy_(*source);
  return {};
}

/// The tensors in a row of their own, as they would lie in the particle's:
/// kernels may differ in the last bit with where what they read begins.
expected<at::Tensor> row_of_travelled(const view_tensors& from,
                                      const particle_layout& layout) {
  auto row = at::zeros({layout.row_bytes()}, at::kByte);
  for (const auto& section : layout.sections()) {
    if (section.role == section_role::parameters
        && section.tensors.size() != from.parameters.size())
      return fail(errc::malformed,
                  "expected " + std::to_string(section.tensors.size())
                      + " parameters, got "
                      + std::to_string(from.parameters.size()));
    for (std::size_t i = 0; i < section.tensors.size(); ++i) {
      const auto& place = section.tensors[i];
      const tensor_blob* blob = nullptr;
      if (section.role == section_role::parameters)
        blob = &from.parameters[i];
      else if (const auto named = from.buffers.find(place.name);
               named != from.buffers.end())
        blob = &named->second;
      if (blob == nullptr)
        return fail(errc::malformed,
                    "expected a buffer \"" + place.name + "\", got none");
      if (auto done =
              copy_into(tensor_view(row, section, place), *blob, place.name);
          !done)
        return fail(std::move(done));
    }
  }
  return row;
}

} // namespace

std::size_t view_tensors::size_bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto* list : {&parameters, &gradients})
    for (const auto& tensor : *list)
      sum += tensor.size_bytes();
  for (const auto& [name, tensor] : buffers)
    sum += tensor.size_bytes();
  return sum;
}

expected<view_ptr> copy_view(const particle_entry& entry,
                             const at::Tensor& row) {
  return guarded("view", [&]() -> expected<view_ptr> {
    const at::NoGradGuard no_grad;
    const auto& layout = entry.family->recipe->layout;
    auto out = std::make_shared<view_tensors>();
    out->version = entry.revision;
    // A clone already: from now on others may be made by any thread.
    out->memory = at::_lazy_clone(copied(row, 0, value_bytes(layout)));
    for (const auto& section : layout.sections()) {
      expected<void> done;
      if (section.role == section_role::parameters)
        done = for_each_blob(section, section_view(out->memory, section),
                             [&](const std::string&, tensor_blob blob) {
                               out->parameters.push_back(std::move(blob));
                             });
      else if (section.role == section_role::buffers)
        done = for_each_blob(section, section_view(out->memory, section),
                             [&](const std::string& name, tensor_blob blob) {
                               out->buffers.emplace(name, std::move(blob));
                             });
      else if (section.role == section_role::gradient)
        done =
            for_each_blob(section,
                          copied(row, section.offset_bytes, bytes_of(section))
                              .view(section.type),
                          [&](const std::string&, tensor_blob blob) {
                            out->gradients.push_back(std::move(blob));
                          });
      if (!done)
        return fail(std::move(done));
    }
    return view_ptr{std::move(out)};
  });
}

particle_view::particle_view(particle_id pid, view_ptr tensors,
                             std::shared_ptr<const model_spec> model)
    : pid_{pid}, tensors_{std::move(tensors)}, model_{std::move(model)} {}

expected<std::shared_ptr<network>> particle_view::view() const {
  prepare_compute_thread();
  const auto what = "view of particle " + to_string(pid_);
  auto made = guarded(what, [&]() -> expected<std::shared_ptr<network>> {
    // Its first values are not used: nobody's random numbers go into them.
    const generator_scope unused{make_generator(0)};
    return make_network(*model_);
  });
  if (!made)
    return made;
  return guarded(what, [&]() -> expected<std::shared_ptr<network>> {
    const at::NoGradGuard no_grad;
    auto& net = **made;
    const particle_layout layout{parameters_of(net), buffers_of(net), {}};
    auto row = tensors_->memory.defined()
                   ? expected<at::Tensor>{at::_lazy_clone(tensors_->memory)}
                   : row_of_travelled(*tensors_, layout);
    if (!row)
      return fail(row.error().code, what + ": " + row.error().message);
    tie_to_row(net, *row, layout);
    net.eval();
    return std::move(*made);
  });
}

} // namespace posse
