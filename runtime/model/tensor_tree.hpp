#pragma once

#include "messages/value.hpp"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace posse {

/// A value whose tensors are LibTorch's own, on any device: what handlers
/// compute with, where a `value` is what travels.
class tensor_tree {
public:
  using list = std::vector<tensor_tree>;
  using dict = std::map<std::string, tensor_tree, std::less<>>;
  /// `value` holds anything that is neither a tensor, a list nor a dict.
  using variant = std::variant<value, at::Tensor, list, dict>;

  tensor_tree() = default; ///< none
  tensor_tree(value x) : data_{std::move(x)} {}
  tensor_tree(at::Tensor x) : data_{std::move(x)} {}
  tensor_tree(list x) : data_{std::move(x)} {}
  tensor_tree(dict x) : data_{std::move(x)} {}

  const variant& data() const noexcept { return data_; }

  /// The alternative `T`, or nullptr if the tree holds another one.
  template <class T>
  const T* get_if() const noexcept {
    return std::get_if<T>(&data_);
  }

private:
  variant data_;
};

/// The value with its blobs as CPU tensors that share their bytes: see
/// to_tensor().
[[nodiscard]] expected<tensor_tree> to_tree(const value& x);

/// The tree as it travels, all tensors detached and on the CPU; PusH's
/// detach_to_cpu followed by sending. Memory is shared as in to_blob().
[[nodiscard]] expected<value> to_value(const tensor_tree& x);

/// PusH's `to_device`: all tensors on `device`, their history kept. Tensors
/// that are there already are shared, not copied.
/// @returns errc::out_of_memory, or errc::backend_error for a device that this
///   LibTorch has not.
[[nodiscard]] expected<tensor_tree> to_device(const tensor_tree& x,
                                              at::Device device);

/// PusH's `detach_to_device`: the same, cut off from autograd.
/// @param requires_grad Makes floating-point tensors leaves of a new graph.
[[nodiscard]] expected<tensor_tree>
detach_to_device(const tensor_tree& x, at::Device device,
                 bool requires_grad = false);

/// PusH's `detach_to_cpu`: detach_to_device() to the CPU.
[[nodiscard]] expected<tensor_tree> detach_to_cpu(const tensor_tree& x);

} // namespace posse
