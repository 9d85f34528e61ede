#include "runtime/model/tensor_tree.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/model/tensor_value.hpp"

namespace posse {

namespace {

/// The tree with `f` applied to each of its tensors.
template <class F>
tensor_tree map_tensors(const tensor_tree& x, const F& f) {
  if (const auto* tensor = x.get_if<at::Tensor>())
    return f(*tensor);
  if (const auto* list = x.get_if<tensor_tree::list>()) {
    tensor_tree::list mapped;
    mapped.reserve(list->size());
    for (const auto& entry : *list)
      mapped.push_back(map_tensors(entry, f));
    return mapped;
  }
  if (const auto* dict = x.get_if<tensor_tree::dict>()) {
    tensor_tree::dict mapped;
    for (const auto& [key, entry] : *dict)
      mapped.emplace(key, map_tensors(entry, f));
    return mapped;
  }
  return x;
}

} // namespace

expected<tensor_tree> to_tree(const value& x) {
  if (const auto* blob = x.get_if<tensor_blob>())
    return to_tensor(*blob);
  if (const auto* list = x.get_if<value_list>()) {
    tensor_tree::list converted;
    converted.reserve(list->size());
    for (const auto& entry : *list) {
      auto tree = to_tree(entry);
      if (!tree)
        return tree;
      converted.push_back(std::move(*tree));
    }
    return converted;
  }
  if (const auto* dict = x.get_if<value_dict>()) {
    tensor_tree::dict converted;
    for (const auto& [key, entry] : *dict) {
      auto tree = to_tree(entry);
      if (!tree)
        return tree;
      converted.emplace(key, std::move(*tree));
    }
    return converted;
  }
  return x;
}

expected<value> to_value(const tensor_tree& x) {
  if (const auto* tensor = x.get_if<at::Tensor>())
    return to_blob(*tensor);
  if (const auto* list = x.get_if<tensor_tree::list>()) {
    value_list converted;
    converted.reserve(list->size());
    for (const auto& entry : *list) {
      auto plain = to_value(entry);
      if (!plain)
        return plain;
      converted.push_back(std::move(*plain));
    }
    return value{std::move(converted)};
  }
  if (const auto* dict = x.get_if<tensor_tree::dict>()) {
    value_dict converted;
    for (const auto& [key, entry] : *dict) {
      auto plain = to_value(entry);
      if (!plain)
        return plain;
      converted.emplace(key, std::move(*plain));
    }
    return value{std::move(converted)};
  }
  return *x.get_if<value>();
}

expected<tensor_tree> to_device(const tensor_tree& x, at::Device device) {
  return guarded("to_device", [&] {
    return map_tensors(x, [&](const at::Tensor& t) { return t.to(device); });
  });
}

expected<tensor_tree> detach_to_device(const tensor_tree& x, at::Device device,
                                       bool requires_grad) {
  return guarded("detach_to_device", [&] {
    return map_tensors(x, [&](const at::Tensor& t) {
      auto detached = t.detach().to(device);
      return detached.requires_grad_(requires_grad
                                     && detached.is_floating_point());
    });
  });
}

expected<tensor_tree> detach_to_cpu(const tensor_tree& x) {
  return detach_to_device(x, at::kCPU);
}

} // namespace posse
