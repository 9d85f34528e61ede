#include "parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sqrt.h>

#include <numbers>
#include <runtime/model/likelihood.hpp>

namespace gossip {

namespace {

at::Tensor mean_crps(const at::Tensor& outputs, const at::Tensor& targets,
                     posse::head_kind head) {
  const auto predicted = posse::interpret(outputs, head);
  const auto deviation = at::sqrt(predicted.variance);
  const auto z = (targets - predicted.mean) / deviation;
  // 2 Phi(z) - 1 and 2 phi(z) of the standard normal distribution.
  const auto spread = at::erf(z / std::numbers::sqrt2);
  const auto density =
      at::exp(-z * z / 2) * (std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  return (deviation * (z * spread + density - std::numbers::inv_sqrtpi)).mean();
}

} // namespace

posse::loss_entry crps_loss() {
  return {mean_crps,
          {posse::head_kind::gaussian, posse::head_kind::gaussian_shared},
          {}};
}

} // namespace gossip
