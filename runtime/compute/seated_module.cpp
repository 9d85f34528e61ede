#include "runtime/compute/seated_module.hpp"

#include "runtime/compute/placed.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/tensor_value.hpp"

#include <ATen/ATen.h>

namespace posse {

namespace {

/// LibTorch counts the writes to each tensor.
std::vector<std::uint32_t> writes_to(const network& net) {
  std::vector<std::uint32_t> out;
  for (const auto& list : {net.parameters(), net.buffers()})
    for (const auto& tensor : list)
      out.push_back(static_cast<std::uint32_t>(tensor._version()));
  return out;
}

/// Which parameters take gradients.
std::vector<bool> trained(const slot& seat) {
  std::vector<bool> out;
  for (const auto& parameter : seat.parameters())
    out.push_back(parameter.requires_grad());
  return out;
}

/// The slot is the next particle's too: nothing of the function may stay in it.
expected<void> tidy(seated_particle p,
                    const std::vector<bool>& took_gradients) {
  return guarded("with_module", [&]() -> expected<void> {
    const at::NoGradGuard no_grad;
    auto& net = p.seat.net();
    for (std::size_t i = 0; i < took_gradients.size(); ++i) {
      const auto& parameter = p.seat.parameters()[i];
      parameter.mutable_grad().reset();
      parameter.set_requires_grad(took_gradients[i]);
    }
    net.train(false); // as the slot believes it to be
    if (is_tied_to_row(net, p.seat.row(), p.recipe().layout))
      return {};
    tie_to_row(net, p.seat.row(), p.recipe().layout);
    return fail(
        errc::invalid_argument,
        "the function gave a parameter or buffer other memory: expected "
        "it to write into the tensor");
  });
}

} // namespace

at::Tensor seated_module::forward(const at::Tensor& x) const {
  return p_.seat.net().forward(placed_on(p_.seat.row().device(), x));
}

std::vector<named_tensor> seated_module::named_parameters() const {
  return parameters_of(p_.seat.net());
}

std::vector<named_tensor> seated_module::buffers() const {
  return buffers_of(p_.seat.net());
}

expected<value> to_result(const at::Tensor& x) {
  return guarded("result", [&]() -> expected<value> {
    auto blob = to_blob(x.detach().to(at::kCPU, false, /*copy=*/true));
    if (!blob)
      return fail(std::move(blob));
    return value{std::move(*blob)};
  });
}

expected<value> run_on_module(seated_particle p, const module_function& f,
                              const batch* rows) {
  auto& net = p.seat.net();
  p.seat.set_training(false);
  const auto before = writes_to(net);
  const auto took_gradients = trained(p.seat);
  if (f.changes)
    note_change(p.entry, true);
  auto result = guarded("the function", [&]() -> expected<value> {
    const generator_scope numbers{f.changes ? p.entry.generator
                                            : p.entry.generator.clone()};
    const at::AutoGradMode as_it_was{at::GradMode::is_enabled()};
    seated_module seated{p};
    return f.call(seated, rows);
  });
  const bool wrote = !f.changes && writes_to(net) != before;
  if (wrote) // what is there now is what others have to see
    note_change(p.entry, true);
  if (auto tidied = tidy(p, took_gradients); !tidied && result)
    return fail(std::move(tidied));
  if (wrote && result)
    return fail(errc::invalid_argument,
                "the function wrote to the particle: expected one of a "
                "seated_module&, got one of a const seated_module&");
  return result;
}

} // namespace posse
