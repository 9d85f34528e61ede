#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>

/// Layers whose parameters are independent Gaussians. Full connections by the
/// local reparametrisation (Kingma, Salimans & Welling, NeurIPS 2015, section
/// 2.2): the outputs of a row are Gaussians, too, and drawn instead of the
/// weights, so that rows draw independently and their gradients average out.
/// Numbers come from the generator_scope of the caller; differentiable.
namespace posse {

/// The two tensors of an affine map: their means, or their deviations.
struct affine_tensors {
  const at::Tensor& weight;
  const at::Tensor& bias;
};

/// Those of a LibTorch layer.
template <class Layer>
affine_tensors affine_of(const Layer& layer) {
  return {layer.weight, layer.bias};
}
/// Those that begin at a place of a list.
inline affine_tensors affine_of(std::span<const at::Tensor> all,
                                std::size_t first) {
  return {all[first], all[first + 1]};
}

/// Equation 6: mean x W^T + b, variance x^2 (S_W^2)^T + S_b^2.
/// @param x [B, H]. @param means, deviations W [L, H], b [L]. @returns [B, L].
at::Tensor gaussian_linear(const at::Tensor& x, affine_tensors means,
                           affine_tensors deviations);

/// One draw of a tensor that all rows share.
at::Tensor gaussian_tensor(const at::Tensor& mean, const at::Tensor& deviation);

} // namespace posse
