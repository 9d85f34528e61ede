#include "runtime/model/loss.hpp"

#include "runtime/model/gaussian_loss.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <c10/util/Exception.h>

#include <algorithm>

namespace posse {

namespace {

at::Tensor nll(const at::Tensor& outputs, const at::Tensor& targets,
               head_kind head) {
  return head == head_kind::categorical
             ? at::cross_entropy_loss(outputs, targets)
             : gaussian_loss(outputs, targets, head, point_weight::one);
}

at::Tensor beta_nll(const at::Tensor& outputs, const at::Tensor& targets,
                    head_kind head) {
  return gaussian_loss(outputs, targets, head, point_weight::root_of_variance);
}

at::Tensor mse(const at::Tensor& outputs, const at::Tensor& targets,
               head_kind) {
  // ATen would broadcast [B] targets against [B, 1] outputs to [B, B].
  TORCH_CHECK(outputs.sizes() == targets.sizes(), "mse: expected targets ",
              outputs.sizes(), ", got ", targets.sizes());
  return at::mse_loss(outputs, targets);
}

at::Tensor cross_entropy(const at::Tensor& outputs, const at::Tensor& targets,
                         head_kind) {
  return at::cross_entropy_loss(outputs, targets);
}

// Slopes that are written by hand walk over raw memory.
bool plain(const at::Tensor& x, at::ScalarType type) {
  return x.device().is_cpu() && x.scalar_type() == type && x.is_contiguous();
}

loss_and_slopes slopes_by_autograd(const loss_fn& loss,
                                   const at::Tensor& outputs,
                                   const at::Tensor& targets, head_kind head) {
  const at::AutoGradMode with_graph{true};
  auto leaf = outputs.detach().requires_grad_();
  auto value = loss(leaf, targets, head);
  value.backward();
  return {value.item<double>(), leaf.grad()};
}

/// Writes d loss / d outputs and returns the loss.
double fill_mse(const float* outputs, const float* targets, float* slopes,
                std::int64_t count) {
  const auto share = 2 / static_cast<float>(count);
  double loss = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto error = outputs[i] - targets[i];
    loss += double{error} * error;
    slopes[i] = share * error;
  }
  return loss / static_cast<double>(count);
}

loss_and_slopes mse_slopes(const at::Tensor& outputs, const at::Tensor& targets,
                           head_kind head) {
  if (!plain(outputs, at::kFloat) || !plain(targets, at::kFloat)
      || outputs.sizes() != targets.sizes() || outputs.numel() == 0)
    return slopes_by_autograd(mse, outputs, targets, head);
  loss_and_slopes out{0, at::empty_like(outputs)};
  out.loss =
      fill_mse(outputs.const_data_ptr<float>(), targets.const_data_ptr<float>(),
               out.slopes.mutable_data_ptr<float>(), outputs.numel());
  return out;
}

bool mse_group(const at::Tensor& outputs, std::span<const at::Tensor> targets,
               head_kind, const at::Tensor& slopes, std::span<double> losses) {
  const auto each = outputs.numel() / outputs.size(0);
  const auto fits = [&](const at::Tensor& x) {
    return plain(x, at::kFloat) && x.sizes() == outputs.sizes().slice(1);
  };
  if (!plain(outputs, at::kFloat) || each == 0
      || !std::ranges::all_of(targets, fits))
    return false;
  const auto* y = outputs.const_data_ptr<float>();
  auto* slope = slopes.mutable_data_ptr<float>();
  for (std::size_t k = 0; k < losses.size(); ++k) {
    const auto& wanted = targets[targets.size() == 1 ? 0 : k];
    losses[k] = fill_mse(y, wanted.const_data_ptr<float>(), slope, each);
    y += each;
    slope += each;
  }
  return true;
}

loss_and_slopes cross_entropy_slopes(const at::Tensor& outputs,
                                     const at::Tensor& targets,
                                     head_kind head) {
  if (!plain(outputs, at::kFloat) || !plain(targets, at::kLong)
      || outputs.dim() != 2 || targets.dim() != 1
      || targets.size(0) != outputs.size(0) || targets.size(0) == 0)
    return slopes_by_autograd(cross_entropy, outputs, targets, head);
  const auto rows = outputs.size(0);
  const auto classes = outputs.size(1);
  const auto log_p = at::log_softmax(outputs, 1);
  const auto* log_likelihoods = log_p.const_data_ptr<float>();
  const auto* labels = targets.const_data_ptr<std::int64_t>();
  const auto share = 1 / static_cast<float>(rows);
  loss_and_slopes out{0, log_p.exp().mul_(share)};
  auto* slope = out.slopes.mutable_data_ptr<float>();
  for (std::int64_t row = 0; row < rows; ++row) {
    TORCH_CHECK_INDEX(labels[row] >= 0 && labels[row] < classes,
                      "cross_entropy: expected a label in [0, ", classes,
                      "), got ", labels[row]);
    const auto at_label = row * classes + labels[row];
    out.loss -= double{log_likelihoods[at_label]};
    slope[at_label] -= share;
  }
  out.loss /= static_cast<double>(rows);
  return out;
}

// A Gaussian head's, in one pass where that is possible.
loss_and_slopes gaussian_or_autograd(const loss_fn& loss,
                                     const at::Tensor& outputs,
                                     const at::Tensor& targets, head_kind head,
                                     point_weight weight) {
  if (auto done = gaussian_slopes(outputs, targets, head, weight))
    return {done->loss, std::move(done->slopes)};
  return slopes_by_autograd(loss, outputs, targets, head);
}

loss_and_slopes nll_slopes(const at::Tensor& outputs, const at::Tensor& targets,
                           head_kind head) {
  return head == head_kind::categorical
             ? cross_entropy_slopes(outputs, targets, head)
             : gaussian_or_autograd(nll, outputs, targets, head,
                                    point_weight::one);
}

loss_and_slopes beta_nll_slopes(const at::Tensor& outputs,
                                const at::Tensor& targets, head_kind head) {
  return gaussian_or_autograd(beta_nll, outputs, targets, head,
                              point_weight::root_of_variance);
}

bool nll_group(const at::Tensor& outputs, std::span<const at::Tensor> targets,
               head_kind head, const at::Tensor& slopes,
               std::span<double> losses) {
  return is_gaussian(head)
         && gaussian_group_slopes(outputs, targets, head, point_weight::one,
                                  slopes, losses);
}

bool beta_nll_group(const at::Tensor& outputs,
                    std::span<const at::Tensor> targets, head_kind head,
                    const at::Tensor& slopes, std::span<double> losses) {
  return gaussian_group_slopes(outputs, targets, head,
                               point_weight::root_of_variance, slopes, losses);
}

registry<loss_entry>& mutable_losses() {
  using enum head_kind;
  static registry<loss_entry> all{
      "loss",
      {
          {"beta_nll",
           {beta_nll,
            {gaussian, gaussian_shared},
            beta_nll_slopes,
            beta_nll_group}},
          {"cross_entropy",
           {cross_entropy, {categorical}, cross_entropy_slopes}},
          {"mse", {mse, {point}, mse_slopes, mse_group}},
          {"nll",
           {nll,
            {gaussian, gaussian_shared, categorical},
            nll_slopes,
            nll_group}},
      }};
  return all;
}

bool reads(const loss_entry& entry, head_kind head) {
  return std::ranges::find(entry.heads, head) != entry.heads.end();
}

} // namespace

loss_and_slopes loss_entry::with_slopes(const at::Tensor& outputs,
                                        const at::Tensor& targets,
                                        head_kind head) const {
  return slopes ? slopes(outputs, targets, head)
                : slopes_by_autograd(function, outputs, targets, head);
}

at::Tensor loss_entry::with_group_slopes(const at::Tensor& outputs,
                                         std::span<const at::Tensor> targets,
                                         head_kind head,
                                         std::span<double> losses) const {
  auto out = at::empty_like(outputs);
  if (group && group(outputs, targets, head, out, losses))
    return out;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    const auto row = static_cast<std::int64_t>(k);
    auto one = with_slopes(outputs.select(0, row),
                           targets[targets.size() == 1 ? 0 : k], head);
    losses[k] = one.loss;
    out.select(0, row).copy_(one.slopes);
  }
  return out;
}

const registry<loss_entry>& losses() {
  return mutable_losses();
}

expected<void> add_loss(std::string name, loss_entry entry) {
  return mutable_losses().add(std::move(name), std::move(entry));
}

expected<loss_entry> find_loss(std::string_view name, head_kind head) {
  auto entry = losses().find(name);
  if (!entry)
    return fail(std::move(entry));
  if (reads(**entry, head))
    return **entry;
  std::string fitting;
  for (const auto& other : losses().names())
    if (reads(*losses().find(other).value(), head))
      fitting += (fitting.empty() ? "" : ", ") + other;
  auto head_name = std::string{to_string(head)};
  return fail(errc::invalid_argument,
              "loss \"" + std::string{name} + "\" does not fit the head \""
                  + head_name + "\"; those that do: " + fitting);
}

} // namespace posse
