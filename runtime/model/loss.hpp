#pragma once

#include "runtime/core/registry.hpp"
#include "runtime/model/head.hpp"

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

namespace posse {

/// The mean loss of a batch, a scalar to differentiate. Throws c10::Error for
/// shapes that do not fit: the step that calls it is guarded.
///
/// @param outputs [B, output_columns(head, T)], float.
/// @param targets [B, T] float; categorical: [B] int64 in [0, T).
using loss_fn = std::function<at::Tensor(
    const at::Tensor& outputs, const at::Tensor& targets, head_kind head)>;

/// A loss and its derivative by the outputs.
struct loss_and_slopes {
  double loss{0};
  at::Tensor slopes; ///< d loss / d outputs, like the outputs
};

/// The same loss together with its derivative, without autograd. Throws as the
/// loss does.
using loss_slopes_fn = std::function<loss_and_slopes(
    const at::Tensor& outputs, const at::Tensor& targets, head_kind head)>;

/// The same of N networks at once; what becomes of one does not depend on the
/// others.
///
/// @param outputs [N, B, K].
/// @param targets One for all, or one each.
/// @param slopes Written; like the outputs.
/// @param losses Written; N of them.
/// @returns false, with nothing done, if they are to be computed one by one.
using group_slopes_fn = std::function<bool(
    const at::Tensor& outputs, std::span<const at::Tensor> targets,
    head_kind head, const at::Tensor& slopes, std::span<double> losses)>;

struct loss_entry {
  loss_fn function;
  std::vector<head_kind> heads; ///< those whose outputs it can read
  loss_slopes_fn slopes{};      ///< empty: autograd gives them
  group_slopes_fn group{};      ///< empty: one by one

  /// Loss and slopes, by `slopes` or by autograd.
  loss_and_slopes with_slopes(const at::Tensor& outputs,
                              const at::Tensor& targets, head_kind head) const;

  /// Losses of N networks, as group_slopes_fn says, whatever the entry has.
  /// @returns the slopes.
  at::Tensor with_group_slopes(const at::Tensor& outputs,
                               std::span<const at::Tensor> targets,
                               head_kind head, std::span<double> losses) const;
};

/// nll, beta_nll, mse, cross_entropy, and what plugins added.
/// - nll: -log_likelihood(), mean over rows; Gaussian heads and categorical.
/// - beta_nll: Seitzer, Tavakoli, Antic & Martius, ICLR 2022, eq. 5 with beta
///   0.5: each point's Gaussian NLL, without its constant, times the root of
///   its variance, which is not differentiated.
/// - mse: mean over rows and targets of the squared error; point.
/// - cross_entropy: categorical's nll under its usual name.
const registry<loss_entry>& losses();

/// Adds a loss of a plugin, before the first run; errc::invalid_argument if
/// the name is taken.
expected<void> add_loss(std::string name, loss_entry entry);

/// The loss of that name, if it can read the outputs of `head`.
///
/// @returns errc::unknown_name; or errc::invalid_argument for a loss of other
///   heads, naming those that fit.
[[nodiscard]] expected<loss_entry> find_loss(std::string_view name,
                                             head_kind head);

} // namespace posse
