#include "runtime/model/gaussian_loss.hpp"

#include "runtime/model/likelihood.hpp"

#include <ATen/Dispatch.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/functorch/DynamicLayer.h>
#include <ATen/ops/addcdiv.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mse_loss.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace posse {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const double log_2_pi = std::log(2 * std::numbers::pi);

/// A raw variance column's meaning and its derivative.
template <class T>
struct spread {
  T variance;
  T slope; ///< d variance / d raw
};

template <class T>
spread<T> spread_of(T raw, head_kind head) {
  constexpr auto floor = static_cast<T>(variance_floor);
  if (head == head_kind::gaussian_shared) {
    auto e = std::exp(raw);
    return {e + floor, e};
  }
  // softplus and its derivative, the logistic function, without overflow.
  auto e = std::exp(-std::abs(raw));
  return {std::max(raw, T{0}) + std::log1p(e) + floor,
          (raw >= 0 ? T{1} : e) / (1 + e)};
}

/// Writes d loss / d outputs into `slopes` and returns the loss. The sum is in
/// double, in the order of the rows.
template <class T>
double fill_slopes(const T* outputs, const T* targets, T* slopes,
                   std::int64_t rows, std::int64_t columns, head_kind head,
                   point_weight weighting) {
  const auto share = T{1} / static_cast<T>(rows);
  double total = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* means = outputs + row * 2 * columns;
    auto* slope = slopes + row * 2 * columns;
    for (std::int64_t t = 0; t < columns; ++t) {
      auto [variance, variance_slope] = spread_of(means[columns + t], head);
      auto weight = weighting == point_weight::one ? T{1} : std::sqrt(variance);
      auto precision = 1 / variance;
      auto error = means[t] - targets[row * columns + t];
      auto squared = error * error * precision;
      total += static_cast<double>(weight * (std::log(variance) + squared) / 2);
      slope[t] = share * weight * error * precision;
      slope[columns + t] =
          share * weight * precision * (1 - squared) / 2 * variance_slope;
    }
  }
  return total / static_cast<double>(rows);
}

double constant_part(std::int64_t columns, point_weight weight) {
  return weight == point_weight::one
             ? static_cast<double>(columns) * log_2_pi / 2
             : 0.0;
}

// For tensors of which fits_one_pass() is true.
gaussian_loss_and_slopes one_pass_over(const at::Tensor& outputs,
                                       const at::Tensor& targets,
                                       head_kind head, point_weight weight) {
  auto rows = targets.size(0);
  auto columns = targets.size(1);
  gaussian_loss_and_slopes out{0, at::empty_like(outputs)};
  AT_DISPATCH_FLOATING_TYPES(outputs.scalar_type(), "gaussian_loss", [&] {
    out.loss = fill_slopes(outputs.const_data_ptr<scalar_t>(),
                           targets.const_data_ptr<scalar_t>(),
                           out.slopes.mutable_data_ptr<scalar_t>(), rows,
                           columns, head, weight)
               + constant_part(columns, weight);
  });
  return out;
}

class one_pass : public torch::autograd::Function<one_pass> {
public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& outputs,
                            const at::Tensor& targets, head_kind head,
                            point_weight weight) {
    auto [value, slopes] = one_pass_over(outputs, targets, head, weight);
    context->saved_data["slopes"] = std::move(slopes);
    return at::full({}, value, outputs.options());
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "gaussian_loss: a second derivative needs "
                "composed_gaussian_loss");
    return {
        context->saved_data["slopes"].toTensor() * gradients[0], {}, {}, {}};
  }
};

bool fits_one_pass(const at::Tensor& outputs, const at::Tensor& targets) {
  auto type = outputs.scalar_type();
  return outputs.device().is_cpu() && targets.device().is_cpu()
         && (type == at::kFloat || type == at::kDouble)
         && targets.scalar_type() == type && outputs.is_contiguous()
         && targets.is_contiguous() && targets.size(0) > 0
         && !at::functorch::maybeCurrentDynamicLayer();
}

void check_shapes(const at::Tensor& outputs, const at::Tensor& targets) {
  TORCH_CHECK(
      targets.dim() == 2 && outputs.dim() == 2
          && outputs.size(0) == targets.size(0)
          && outputs.size(1) == 2 * targets.size(1),
      "Gaussian loss: expected outputs [B, 2 T] and targets [B, T], got ",
      outputs.sizes(), " and ", targets.sizes());
}

} // namespace

std::optional<gaussian_loss_and_slopes>
gaussian_slopes(const at::Tensor& outputs, const at::Tensor& targets,
                head_kind head, point_weight weight) {
  check_shapes(outputs, targets);
  if (!fits_one_pass(outputs, targets))
    return std::nullopt;
  return one_pass_over(outputs, targets, head, weight);
}

bool gaussian_group_slopes(const at::Tensor& outputs,
                           std::span<const at::Tensor> targets, head_kind head,
                           point_weight weight, const at::Tensor& slopes,
                           std::span<double> losses) {
  if (!outputs.is_contiguous())
    return false;
  const auto one = outputs.select(0, 0);
  for (const auto& x : targets) {
    check_shapes(one, x);
    if (!fits_one_pass(one, x))
      return false;
  }
  const auto columns = targets.front().size(1);
  AT_DISPATCH_FLOATING_TYPES(outputs.scalar_type(), "gaussian_loss", [&] {
    const auto* y = outputs.const_data_ptr<scalar_t>();
    auto* slope = slopes.mutable_data_ptr<scalar_t>();
    for (std::size_t k = 0; k < losses.size(); ++k) {
      const auto& wanted = targets[targets.size() == 1 ? 0 : k];
      losses[k] = fill_slopes(y, wanted.const_data_ptr<scalar_t>(), slope,
                              wanted.size(0), columns, head, weight)
                  + constant_part(columns, weight);
      y += one.numel();
      slope += one.numel();
    }
  });
  return true;
}

at::Tensor gaussian_loss(const at::Tensor& outputs, const at::Tensor& targets,
                         head_kind head, point_weight weight) {
  check_shapes(outputs, targets);
  if (fits_one_pass(outputs, targets))
    return one_pass::apply(outputs, targets, head, weight);
  return composed_gaussian_loss(outputs, targets, head, weight);
}

at::Tensor composed_gaussian_loss(const at::Tensor& outputs,
                                  const at::Tensor& targets, head_kind head,
                                  point_weight weight) {
  auto [mean, variance, logits] = interpret(outputs, head);
  TORCH_CHECK(mean.sizes() == targets.sizes(), "targets: expected ",
              mean.sizes(), ", got ", targets.sizes());
  auto squares = at::mse_loss(mean, targets, at::Reduction::None);
  auto points = at::addcdiv(variance.log(), squares, variance);
  if (weight == point_weight::root_of_variance)
    points = points * variance.detach().sqrt();
  auto rows = static_cast<double>(targets.size(0));
  return points.sum() * (0.5 / rows) + constant_part(targets.size(1), weight);
}

} // namespace posse
