#pragma once

#include "runtime/core/registry.hpp"
#include "runtime/model/model_spec.hpp"

#include <ATen/core/Generator.h>
#include <c10/util/FunctionRef.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace posse {

/// A network that a particle can be: a torch::nn::Module with one way to run
/// it. Whatever tensors it keeps are registered parameters or buffers: anything
/// else would stay behind when another particle takes its slot.
class network : public torch::nn::Module {
public:
  /// @param x [B, inputs...], float, on the parameters' device.
  /// @returns the raw outputs [B, K] of the head (runtime/model/head.hpp).
  virtual at::Tensor forward(const at::Tensor& x) = 0;

  /// d loss / d outputs [B, K], from the outputs [B, K].
  using output_slopes = c10::function_ref<at::Tensor(const at::Tensor&)>;

  /// The gradients of a loss, by the network's own chain rule. Where layers are
  /// small, recording a graph and walking it back costs several times what the
  /// products in it do.
  ///
  /// @param x As for forward().
  /// @param gradients Gets one tensor a parameter, in parameters()' order.
  /// @returns false, with nothing done, if forward() and autograd are to be
  ///   used; so does a network that does not override this.
  virtual bool gradients(const at::Tensor& x, output_slopes slopes,
                         std::vector<at::Tensor>& gradients);

  /// Whether gradients_by_units() does something.
  virtual bool knows_parts() const { return false; }

  /// gradients(), with the units of wide layers cut in parts, which
  /// share_work() may give to other threads. Where the rows of a batch are cut
  /// instead, each thread reads all weights, and gradients have to be added.
  ///
  /// @param parts > 0; the bits follow from them, not from the threads.
  /// @returns false, with nothing done, unless knows_parts().
  virtual bool gradients_by_units(const at::Tensor& x, output_slopes slopes,
                                  std::int64_t parts,
                                  std::vector<at::Tensor>& gradients);

  /// The affine map that a network ends in, by the indices of its weight [L, H]
  /// and bias [L] in parameters(). Its outputs are the first L columns of
  /// forward()'s; the others do not depend on the inputs.
  struct output_layer {
    std::size_t weight;
    std::size_t bias;
  };
  /// @returns none if it does not end in one, or does not tell.
  virtual std::optional<output_layer> last_layer() const { return {}; }
  /// The inputs [B, H] of the last layer. @pre last_layer().
  virtual at::Tensor features(const at::Tensor& x);

  /// Adds the squares of the gradients of each row's own loss to `sums`: by the
  /// network's own chain rule, without a gradient for each row. As forward()
  /// computes in evaluation mode.
  ///
  /// @param slopes Of several losses, the derivatives [B, K] by the outputs.
  /// @param sums One tensor a parameter, float64, on the host.
  /// @returns false, with nothing done, if it knows of no such way.
  virtual bool add_squared_gradients(const at::Tensor& x,
                                     std::span<const at::Tensor> slopes,
                                     std::span<const at::Tensor> sums);

  /// Whether forward_gaussian() does something.
  virtual bool knows_gaussian_weights() const { return false; }
  /// forward() for parameters that are independent Gaussians around the
  /// network's own: what a full connection gives is drawn for each row from the
  /// Gaussian that it then has (Kingma, Salimans & Welling, NeurIPS 2015, eq.
  /// 6); parameters that places of a row share are drawn once for all rows.
  /// Differentiable by parameters and deviations.
  ///
  /// @param deviations One tensor a parameter, > 0, in parameters()' order.
  /// @pre knows_gaussian_weights(), and no dropout.
  virtual at::Tensor forward_gaussian(const at::Tensor& x,
                                      std::span<const at::Tensor> deviations);

  /// Whether an output's row follows from the input's row and the parameters
  /// alone, in training too, and several threads may call forward() and
  /// gradients() at once: a batch may then be computed in parts.
  virtual bool treats_rows_apart() const { return false; }

  /// Whether group_gradients() does something.
  virtual bool knows_group_gradients() const { return false; }

  /// The gradients of losses of N networks built as this one, whose own
  /// parameters it does not read. What becomes of a network does not depend on
  /// the others.
  ///
  /// @param parameters One tensor [N, shape...] a parameter, in parameters()'
  ///   order; contiguous but for the first stride.
  /// @param x [N, B, inputs...], float; the first stride may be 0.
  /// @param generators What each network draws from, as forward() would in
  ///   training. Fewer than N: the last one's numbers count for the rest, too.
  /// @param slopes From outputs [N, B, K] to d losses / d outputs.
  /// @param gradients Written; shaped and laid out like the parameters.
  /// @pre N > 1, and knows_group_gradients().
  virtual void group_gradients(std::span<const at::Tensor> parameters,
                               const at::Tensor& x,
                               std::span<const at::Generator> generators,
                               output_slopes slopes,
                               std::span<const at::Tensor> gradients) const;
};

/// Checks the spec and builds the network; may throw what LibTorch throws.
using network_factory =
    std::function<expected<std::shared_ptr<network>>(const model_spec& spec)>;

/// mlp, lenet, and what plugins added.
const registry<network_factory>& networks();

/// Adds a network of a plugin, before the first run; errc::invalid_argument if
/// the name is taken.
expected<void> add_network(std::string name, network_factory factory);

/// Builds a network in training mode, on the CPU, in float.
///
/// Parameters get LibTorch's own initial values (torch::nn's: uniform within
/// 1/sqrt(fan-in)) drawn from the generator_scope of the caller, so equal
/// seeds give equal bits; without one, from LibTorch's global generator.
///
/// @returns errc::unknown_name for the kind, activation or head;
///   errc::invalid_argument for a size, a dropout or an input shape that
///   cannot be, with the reason; errc::out_of_memory.
[[nodiscard]] expected<std::shared_ptr<network>>
make_network(const model_spec& spec);

} // namespace posse
