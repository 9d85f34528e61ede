#include "actors/view_message.hpp"

#include <utility>

namespace posse {

receive_get_ack to_ack(const view_tensors& view) {
  receive_get_ack out;
  out.version = view.version;
  fill(out, view);
  return out;
}

void fill(receive_get_ack& ack, const view_tensors& view) {
  ack.params = view.parameters;
  ack.params_grad = view.gradients;
  value_dict buffers;
  for (const auto& [name, tensor] : view.buffers)
    buffers.emplace(name, tensor);
  ack.buffers = std::move(buffers);
}

expected<view_ptr> to_view(const receive_get_ack& ack) {
  auto out = std::make_shared<view_tensors>();
  out->version = ack.version;
  out->parameters = ack.params;
  out->gradients = ack.params_grad;
  const auto* buffers = ack.buffers.get_if<value_dict>();
  if (buffers == nullptr)
    return fail(errc::malformed, "view: expected a dict of buffers, got "
                                     + std::string{type_name(ack.buffers)});
  for (const auto& [name, each] : *buffers) {
    auto tensor = each.to<tensor_blob>("view: buffer \"" + name + "\"");
    if (!tensor)
      return fail(errc::malformed, std::move(tensor.error().message));
    out->buffers.emplace(name, std::move(*tensor));
  }
  return view_ptr{std::move(out)};
}

} // namespace posse
