#include "runtime/model/loss.hpp"

#include "runtime/model/gaussian_loss.hpp"

#include <ATen/ops/cross_entropy_loss.h>
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

registry<loss_entry>& mutable_losses() {
  using enum head_kind;
  static registry<loss_entry> all{
      "loss",
      {
          {"beta_nll", {beta_nll, {gaussian, gaussian_shared}}},
          {"cross_entropy", {cross_entropy, {categorical}}},
          {"mse", {mse, {point}}},
          {"nll", {nll, {gaussian, gaussian_shared, categorical}}},
      }};
  return all;
}

bool reads(const loss_entry& entry, head_kind head) {
  return std::ranges::find(entry.heads, head) != entry.heads.end();
}

} // namespace

const registry<loss_entry>& losses() {
  return mutable_losses();
}

expected<void> add_loss(std::string name, loss_entry entry) {
  return mutable_losses().add(std::move(name), std::move(entry));
}

expected<loss_fn> find_loss(std::string_view name, head_kind head) {
  auto entry = losses().find(name);
  if (!entry)
    return fail(std::move(entry));
  if (reads(**entry, head))
    return (*entry)->function;
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
