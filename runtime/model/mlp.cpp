#include "runtime/model/mlp.hpp"

#include "runtime/device/helping_threads.hpp"
#include "runtime/model/activation.hpp"
#include "runtime/model/gaussian_weights.hpp"
#include "runtime/model/likelihood.hpp"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <numeric>
#include <utility>

namespace posse {

namespace {

class mlp final : public network {
public:
  mlp(const model_spec& spec, head_kind head, const activation& between)
      : activation_{between}, is_exact_{spec.activation == "relu"} {
    auto list = register_module("layers", torch::nn::ModuleList{});
    auto add_layer = [&](std::int64_t in, std::int64_t out) {
      layers_.emplace_back(in, out);
      list->push_back(layers_.back());
    };
    auto width = std::accumulate(spec.inputs.begin(), spec.inputs.end(),
                                 std::int64_t{1}, std::multiplies{});
    for (auto units : spec.hidden)
      add_layer(std::exchange(width, units), units);
    add_layer(width, linear_columns(head, spec.targets));
    if (spec.dropout > 0)
      dropout_ = register_module("dropout", torch::nn::Dropout{spec.dropout});
    if (head == head_kind::gaussian_shared) {
      log_noise_ = register_parameter("log_noise", initial_log_noise());
      first_ = 1;
    }
  }

  at::Tensor forward(const at::Tensor& x) override {
    auto outputs = layers_.back()(features(x));
    return log_noise_.defined() ? with_shared_noise(outputs, log_noise_)
                                : outputs;
  }

  std::optional<output_layer> last_layer() const override {
    const auto weight = first_ + 2 * (layers_.size() - 1);
    return output_layer{weight, weight + 1};
  }

  at::Tensor features(const at::Tensor& x) override {
    auto features = x.dim() == 2 ? x : x.flatten(1);
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      features = activation_.apply(layers_[i](features));
      if (dropout_)
        features = dropout_(features);
    }
    return features;
  }

  bool add_squared_gradients(const at::Tensor& x,
                             std::span<const at::Tensor> slopes,
                             std::span<const at::Tensor> sums) override {
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    const auto add = [&](std::size_t i, const at::Tensor& squares) {
      sums[i].add_(squares.to(at::kCPU, at::kDouble));
    };
    way_there way{layers_.size()};
    way.inputs.push_back(x.dim() == 2 ? x : x.flatten(1));
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      way.before.push_back(
          at::addmm(layers_[i]->bias, way.inputs[i], layers_[i]->weight.t()));
      way.add(activation_.apply(way.before[i]), {});
    }
    for (auto slope : slopes) {
      if (log_noise_.defined()) {
        const auto targets = slope.size(1) / 2;
        add(0,
            slope.narrow(1, targets, targets).sum(1).square().sum().view({1}));
        slope = slope.narrow(1, 0, targets);
      }
      for (std::size_t i = layers_.size(); i-- > 0;) {
        // A row's gradient is the product of its slopes and inputs.
        const auto squares = slope.square();
        add(first_ + 2 * i, squares.t().mm(way.inputs[i].square()));
        add(first_ + 2 * i + 1, squares.sum(0));
        if (i > 0)
          slope = activation_.slopes_before(slope.mm(layers_[i]->weight),
                                            way.before[i - 1],
                                            way.activated[i - 1]);
      }
    }
    return true;
  }

  bool knows_gaussian_weights() const override { return !dropout_; }

  at::Tensor forward_gaussian(const at::Tensor& x,
                              std::span<const at::Tensor> deviations) override {
    auto features = x.dim() == 2 ? x : x.flatten(1);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      features = gaussian_linear(features, affine_of(*layers_[i]),
                                 affine_of(deviations, first_ + 2 * i));
      if (i + 1 < layers_.size())
        features = activation_.apply(features);
    }
    return log_noise_.defined() ? with_shared_noise(
               features, gaussian_tensor(log_noise_, deviations[0]))
                                : features;
  }

  bool gradients(const at::Tensor& x, output_slopes slopes,
                 std::vector<at::Tensor>& gradients) override {
    way_there way{layers_.size()};
    const bool drops = dropout_ && dropout_->is_training();
    auto outputs = [&] {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      way.inputs.push_back(x.dim() == 2 ? x : x.flatten(1));
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        way.before.push_back(
            at::addmm(layers_[i]->bias, way.inputs[i], layers_[i]->weight.t()));
        if (i + 1 < layers_.size())
          // Drawn on the host: generators are its own.
          way.add(activation_.apply(way.before[i]),
                  drops ? kept_share(way.before[i].sizes(), {}).to(x.device())
                        : at::Tensor{});
      }
      return log_noise_.defined()
                 ? with_shared_noise(way.before.back(), log_noise_)
                 : way.before.back();
    }();
    auto slope = slopes(outputs); // may need a graph of its own
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    gradients.resize(first_ + 2 * layers_.size());
    if (log_noise_.defined())
      slope = slopes_of_means(slope, gradients[0]);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      gradients[first_ + 2 * i] = slope.t().mm(way.inputs[i]);
      gradients[first_ + 2 * i + 1] = slope.sum(0);
      if (i > 0)
        slope = activation_.slopes_before(
            way.before_dropout(i - 1, slope.mm(layers_[i]->weight)),
            way.before[i - 1], way.activated[i - 1]);
    }
    return true;
  }

  bool knows_parts() const override { return true; }

  bool gradients_by_units(const at::Tensor& x, output_slopes slopes,
                          std::int64_t parts,
                          std::vector<at::Tensor>& gradients) override {
    const auto hidden = layers_.size() - 1;
    const bool drops = dropout_ && dropout_->is_training();
    std::vector<at::Tensor> inputs{x.dim() == 2 ? x : x.flatten(1)};
    std::vector<std::vector<unit_range>> ways;
    auto outputs = [&] {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      for (std::size_t i = 0; i < hidden; ++i) {
        const auto units = layers_[i]->weight.size(0);
        const auto rows = inputs[i].size(0);
        const auto mask = drops ? kept_share({rows, units}, {}) : at::Tensor{};
        inputs.push_back(at::empty({rows, units}));
        ways.push_back(cut(units, parts));
        each_of(ways.back(), [&](unit_range& part) {
          part.before = at::addmm(part.of(layers_[i]->bias, 0), inputs[i],
                                  part.of(layers_[i]->weight, 0).t());
          part.activated = activation_.apply(part.before);
          auto out = part.of(inputs[i + 1], 1);
          if (mask.defined()) {
            part.mask = part.of(mask, 1);
            at::mul_out(out, part.activated, part.mask);
          } else {
            out.copy_(part.activated);
          }
        });
      }
      const auto last = at::addmm(layers_[hidden]->bias, inputs[hidden],
                                  layers_[hidden]->weight.t());
      return log_noise_.defined() ? with_shared_noise(last, log_noise_) : last;
    }();
    auto slope = slopes(outputs); // may need a graph of its own
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    gradients.resize(first_ + 2 * layers_.size());
    if (log_noise_.defined())
      slope = slopes_of_means(slope, gradients[0]);
    gradients[first_ + 2 * hidden] = slope.t().mm(inputs[hidden]);
    gradients[first_ + 2 * hidden + 1] = slope.sum(0);
    for (std::size_t i = hidden; i-- > 0;) {
      auto& weight = gradients[first_ + 2 * i];
      auto& bias = gradients[first_ + 2 * i + 1];
      weight = at::empty(layers_[i]->weight.sizes());
      bias = at::empty(layers_[i]->bias.sizes());
      auto before = i > 0 ? at::empty(inputs[i + 1].sizes()) : at::Tensor{};
      each_of(ways[i], [&](unit_range& part) {
        auto own = slope.mm(part.of(layers_[i + 1]->weight, 1));
        if (part.mask.defined())
          own.mul_(part.mask);
        own = activation_.slopes_before(own, part.before, part.activated);
        auto weight_rows = part.of(weight, 0);
        at::mm_out(weight_rows, own.t(), inputs[i]);
        auto bias_rows = part.of(bias, 0);
        at::sum_out(bias_rows, own, 0);
        if (before.defined())
          part.of(before, 1).copy_(own);
      });
      slope = before;
    }
    return true;
  }

  bool knows_group_gradients() const override { return true; }

  void group_gradients(std::span<const at::Tensor> parameters,
                       const at::Tensor& x,
                       std::span<const at::Generator> generators,
                       output_slopes slopes,
                       std::span<const at::Tensor> gradients) const override {
    way_there way{layers_.size()};
    const auto weight = [&](std::size_t i) {
      return parameters[first_ + 2 * i];
    };
    auto outputs = [&] {
      const at::AutoDispatchBelowADInplaceOrView no_graph;
      way.inputs.push_back(x.dim() == 3 ? x : x.flatten(2));
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        way.before.push_back(
            at::baddbmm(parameters[first_ + 2 * i + 1].unsqueeze(1),
                        way.inputs[i], weight(i).transpose(1, 2)));
        if (i + 1 < layers_.size())
          way.add(activated(way.before[i]),
                  dropout_ ? kept_share(way.before[i].sizes(), generators)
                           : at::Tensor{});
      }
      return log_noise_.defined() ? at::cat(
                 {way.before.back(),
                  parameters[0].unsqueeze(1).expand_as(way.before.back())},
                 2)
                                  : way.before.back();
    }();
    auto slope = slopes(outputs);
    const at::AutoDispatchBelowADInplaceOrView no_graph;
    if (log_noise_.defined()) {
      const auto targets = way.before.back().size(2);
      gradients[0].copy_(slope.narrow(2, targets, targets)
                             .contiguous()
                             .flatten(1)
                             .sum(1, /*keepdim=*/true));
      slope = slope.narrow(2, 0, targets).contiguous();
    }
    for (std::size_t i = layers_.size(); i-- > 0;) {
      // Written in place they would take another and slower way.
      gradients[first_ + 2 * i].copy_(slope.transpose(1, 2).bmm(way.inputs[i]));
      gradients[first_ + 2 * i + 1].copy_(slope.sum(1));
      if (i > 0)
        slope = slopes_before(way.before_dropout(i - 1, slope.bmm(weight(i))),
                              way.before[i - 1], way.activated[i - 1]);
    }
  }

private:
  /// Some units of a layer, and what the way back needs of them.
  struct unit_range {
    std::int64_t first;
    std::int64_t count;
    at::Tensor before{};    ///< what the activation is given, [B, count]
    at::Tensor activated{}; ///< what that gives
    at::Tensor mask{};      ///< by which it is multiplied; undefined: by 1

    at::Tensor of(const at::Tensor& all, std::int64_t dimension) const {
      return all.narrow(dimension, first, count);
    }
  };

  /// In `parts`, or whole if there are too few to share.
  static std::vector<unit_range> cut(std::int64_t units, std::int64_t parts) {
    constexpr std::int64_t least = 32;
    if (units < parts * least)
      return {{0, units}};
    std::vector<unit_range> out;
    for (std::int64_t k = 0; k < parts; ++k) {
      const auto first = units * k / parts;
      out.push_back({first, units * (k + 1) / parts - first});
    }
    return out;
  }

  template <class F>
  static void each_of(std::vector<unit_range>& ranges, F work) {
    share_work(ranges.size(), [&](std::size_t k) {
      const at::AutoDispatchBelowADInplaceOrView no_graph; // of each thread
      work(ranges[k]);
    });
  }

  /// Of the outputs' slopes, those of the means; the shared noise gets its own.
  static at::Tensor slopes_of_means(const at::Tensor& slopes,
                                    at::Tensor& of_noise) {
    const auto targets = slopes.size(1) / 2;
    of_noise = slopes.narrow(1, targets, targets).sum().view({1});
    return slopes.narrow(1, 0, targets);
  }

  /// What the way back needs of the way there.
  struct way_there {
    explicit way_there(std::size_t layers) {
      for (auto* each : {&inputs, &before, &activated, &masks})
        each->reserve(layers);
    }

    /// What the next layer reads. @param mask Undefined: all of it.
    void add(at::Tensor y, at::Tensor mask) {
      inputs.push_back(mask.defined() ? y.mul(mask) : y);
      activated.push_back(std::move(y));
      masks.push_back(std::move(mask));
    }
    at::Tensor before_dropout(std::size_t i, at::Tensor slopes) const {
      return masks[i].defined() ? slopes.mul_(masks[i]) : std::move(slopes);
    }

    std::vector<at::Tensor> inputs;    ///< of each layer
    std::vector<at::Tensor> before;    ///< what its activation is given
    std::vector<at::Tensor> activated; ///< what that gives
    std::vector<at::Tensor> masks;     ///< by which it is multiplied
  };

  /// Dropout's factors, drawn as torch::nn::Dropout draws them, [B, H] or of
  /// each network [N, B, H]: 0 or 1 / (1 - p).
  at::Tensor kept_share(at::IntArrayRef sizes,
                        std::span<const at::Generator> generators) const {
    const auto keep = 1 - dropout_->options.p();
    auto out = at::empty(sizes);
    if (generators.empty())
      return out.bernoulli_(keep).div_(keep);
    for (std::int64_t k = 0; k < out.size(0); ++k) {
      const auto drawn = static_cast<std::int64_t>(generators.size());
      auto mask = out.select(0, k);
      if (k < drawn)
        mask.bernoulli_(keep, generators[static_cast<std::size_t>(k)]);
      else
        mask.copy_(out.select(0, drawn - 1));
    }
    return out.div_(keep);
  }

  // ATen computes most elements by vectors and the last few one by one, by
  // another formula, except for relu, which rounds nothing. What a network gets
  // must not depend on its place in the group: so either its elements fill
  // vectors (two at a time, of at most 16), or each network is by itself.
  bool rounds_alike(const at::Tensor& x) const {
    constexpr std::int64_t whole_vectors = 32;
    return is_exact_ || x.size(1) * x.size(2) % whole_vectors == 0;
  }

  at::Tensor activated(const at::Tensor& x) const {
    if (rounds_alike(x))
      return activation_.apply(x);
    auto out = at::empty_like(x);
    for (std::int64_t k = 0; k < x.size(0); ++k)
      out.select(0, k).copy_(activation_.apply(x.select(0, k)));
    return out;
  }

  at::Tensor slopes_before(const at::Tensor& slopes, const at::Tensor& x,
                           const at::Tensor& y) const {
    if (rounds_alike(x))
      return activation_.slopes_before(slopes, x, y);
    auto out = at::empty_like(slopes);
    for (std::int64_t k = 0; k < x.size(0); ++k)
      out.select(0, k).copy_(activation_.slopes_before(
          slopes.select(0, k), x.select(0, k), y.select(0, k)));
    return out;
  }

  activation activation_;
  bool is_exact_; ///< the activation
  std::vector<torch::nn::Linear> layers_;
  torch::nn::Dropout dropout_{nullptr};
  at::Tensor log_noise_;
  std::size_t first_{0}; ///< of the layers' parameters: log_noise_ goes before
};

} // namespace

expected<std::shared_ptr<network>> make_mlp(const model_spec& spec) {
  auto head = parse_head(spec.head);
  if (!head)
    return fail(std::move(head));
  auto activation = activations().find(spec.activation);
  if (!activation)
    return fail(std::move(activation));
  return std::make_shared<mlp>(spec, *head, **activation);
}

} // namespace posse
