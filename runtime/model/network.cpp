#include "runtime/model/network.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/model/head.hpp"
#include "runtime/model/lenet.hpp"
#include "runtime/model/mlp.hpp"
#include "runtime/model/random_prior.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

namespace posse {

bool network::gradients(const at::Tensor&, output_slopes,
                        std::vector<at::Tensor>&) {
  return false;
}

bool network::gradients_by_units(const at::Tensor&, output_slopes, std::int64_t,
                                 std::vector<at::Tensor>&) {
  return false;
}

at::Tensor network::features(const at::Tensor&) {
  TORCH_CHECK(false, "this network does not tell what its last layer reads");
}

bool network::add_squared_gradients(const at::Tensor&,
                                    std::span<const at::Tensor>,
                                    std::span<const at::Tensor>) {
  return false;
}

at::Tensor network::forward_gaussian(const at::Tensor&,
                                     std::span<const at::Tensor>) {
  TORCH_CHECK(false, "this network knows no Gaussian weights");
}

void network::group_gradients(std::span<const at::Tensor>, const at::Tensor&,
                              std::span<const at::Generator>, output_slopes,
                              std::span<const at::Tensor>) const {
  TORCH_CHECK(false, "this network knows no gradients of a group");
}

namespace {

registry<network_factory>& mutable_networks() {
  static registry<network_factory> all{"model",
                                       {
                                           {"lenet", make_lenet},
                                           {"mlp", make_mlp},
                                       }};
  return all;
}

/// What holds for every kind of network.
expected<void> check(const model_spec& spec) {
  auto refuse = [&](const std::string& why) {
    return fail(errc::invalid_argument, spec.kind + ": " + why);
  };
  auto positive = [](std::int64_t n) { return n > 0; };
  if (spec.inputs.empty() || !std::ranges::all_of(spec.inputs, positive))
    return refuse(
        "inputs: expected sizes > 0, got "
        + to_string(spec.to_value().at<value_list>("inputs").value()));
  if (!std::ranges::all_of(spec.hidden, positive))
    return refuse(
        "hidden: expected sizes > 0, got "
        + to_string(spec.to_value().at<value_list>("hidden").value()));
  if (spec.targets <= 0)
    return refuse("targets: expected a number > 0, got "
                  + std::to_string(spec.targets));
  if (!(spec.dropout >= 0 && spec.dropout < 1))
    return refuse("dropout: expected a number in [0, 1), got "
                  + std::to_string(spec.dropout));
  if (!(spec.prior_scale >= 0 && std::isfinite(spec.prior_scale)))
    return refuse("prior_scale: expected a finite number >= 0, got "
                  + std::to_string(spec.prior_scale));
  auto head = parse_head(spec.head);
  if (!head)
    return fail(std::move(head));
  if (*head == head_kind::categorical && spec.targets < 2)
    return refuse("targets: expected at least 2 classes, got 1");
  return {};
}

} // namespace

const registry<network_factory>& networks() {
  return mutable_networks();
}

expected<void> add_network(std::string name, network_factory factory) {
  return mutable_networks().add(std::move(name), std::move(factory));
}

expected<std::shared_ptr<network>> make_network(const model_spec& spec) {
  auto factory = networks().find(spec.kind);
  if (!factory)
    return fail(std::move(factory));
  if (auto ok = check(spec); !ok)
    return fail(std::move(ok));
  return guarded(spec.kind, [&] {
    return spec.prior_scale > 0 ? make_with_random_prior(spec, **factory)
                                : (**factory)(spec);
  });
}

} // namespace posse
