#include "runtime/model/prior.hpp"

#include "runtime/core/registry.hpp"

#include <ATen/ops/dot.h>

#include <cassert>
#include <cmath>
#include <numbers>

namespace posse {

expected<prior> make_prior(std::string_view kind, double std) {
  static const registry<prior_kind> kinds{
      "prior", {{"flat", prior_kind::flat}, {"normal", prior_kind::normal}}};
  auto found = kinds.find(kind);
  if (!found)
    return fail(std::move(found));
  if (**found == prior_kind::flat)
    return prior{.kind = prior_kind::flat};
  if (!(std > 0 && std::isfinite(std)))
    return fail(errc::invalid_argument,
                "prior: std: expected a number > 0, got "
                    + std::to_string(std));
  return prior{.kind = prior_kind::normal, .std = std};
}

double weight_decay(const prior& p, std::int64_t train_rows) noexcept {
  assert(train_rows > 0);
  if (p.kind == prior_kind::flat)
    return 0;
  return 1 / (p.std * p.std * static_cast<double>(train_rows));
}

double log_prior(const prior& p, const at::Tensor& theta) {
  if (p.kind == prior_kind::flat)
    return 0;
  auto wide = theta.detach().to(at::kDouble).flatten();
  auto squares = at::dot(wide, wide).item<double>() / (p.std * p.std);
  auto log_scale = 2 * std::log(p.std) + std::log(2 * std::numbers::pi);
  return -0.5 * (squares + static_cast<double>(theta.numel()) * log_scale);
}

} // namespace posse
