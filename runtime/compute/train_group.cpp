#include "runtime/compute/train_group.hpp"

#include "runtime/compute/group_gathering.hpp"
#include "runtime/compute/step_cursor.hpp"
#include "runtime/compute/step_noise.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/vmapped.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>

namespace posse {

namespace {

// Of the gradients of a group.
constexpr std::int64_t cache_bytes = std::int64_t{4} << 20;

const row_section& parameters_of(const compiled_recipe& recipe) {
  return recipe.layout.sections().front();
}

const std::byte* address_of(const seated_particle& p) {
  return static_cast<const std::byte*>(p.seat.row().const_data_ptr());
}

/// The particles of a group by the addresses of their rows, and how these lie.
/// ATen treats a batch of one product as the product of two matrices, with
/// other bits than in a larger batch: one particle alone counts twice. So does
/// the last one, or more often, until there are a multiple of `unit`.
class row_stack {
public:
  row_stack(seated_particles ps, std::size_t unit) : order_(ps.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::sort(order_, std::less<>{},
                      [&](std::size_t i) { return address_of(ps[i]); });
    for (const auto i : order_)
      rows_.push_back(ps[i].seat.row());
    while (rows_.size() < 2 || rows_.size() % unit != 0)
      rows_.push_back(rows_.back());
    const auto at = [&](std::size_t k) {
      return static_cast<const std::byte*>(rows_[k].const_data_ptr());
    };
    step_ = at(1) - at(0);
    for (std::size_t k = 1; k + 1 < rows_.size(); ++k)
      if (at(k + 1) - at(k) != step_)
        step_.reset();
  }

  /// Networks in the batch: at least 2.
  std::int64_t count() const { return static_cast<std::int64_t>(rows_.size()); }
  /// The particle whose row is the k-th, as the caller numbers it.
  const std::vector<std::size_t>& order() const { return order_; }
  /// What belongs to each row: `of(i)` of the i-th particle.
  template <class F>
  std::vector<at::Tensor> each(F of) const {
    std::vector<at::Tensor> out;
    out.reserve(rows_.size());
    for (std::size_t k = 0; k < rows_.size(); ++k)
      out.push_back(of(order_[std::min(k, order_.size() - 1)]));
    return out;
  }

  /// One tensor of all of them, [count, shape...]: the rows themselves if they
  /// lie at equal distances, else a copy.
  at::Tensor tensor(const row_section& section,
                    const tensor_place& place) const {
    const auto first = tensor_view(rows_.front(), section, place);
    if (!step_) {
      std::vector<at::Tensor> all;
      all.reserve(rows_.size());
      for (const auto& row : rows_)
        all.push_back(tensor_view(row, section, place));
      return at::stack(all);
    }
    auto sizes = first.sizes().vec();
    auto strides = first.strides().vec();
    sizes.insert(sizes.begin(), count());
    strides.insert(strides.begin(),
                   *step_ / static_cast<std::ptrdiff_t>(first.element_size()));
    return at::from_blob(first.mutable_data_ptr(), sizes, strides,
                         first.options());
  }

  /// Writes such a tensor to the rows.
  void write(const row_section& section, const tensor_place& place,
             const at::Tensor& values) const {
    if (step_ && *step_ > 0) {
      tensor(section, place).copy_(values);
      return;
    }
    for (std::size_t k = 0; k < order_.size(); ++k)
      tensor_view(rows_[k], section, place)
          .copy_(values[static_cast<std::int64_t>(k)]);
  }

private:
  std::vector<std::size_t> order_;
  std::vector<at::Tensor> rows_;
  std::optional<std::ptrdiff_t> step_; ///< bytes; none: not always the same
};

/// What a group of these networks has to be a multiple of; none if they cannot
/// be one.
std::optional<std::int64_t> unit_of(const network& net,
                                    const model_spec& model) {
  std::int64_t bytes = 0;
  for (const auto& parameter : net.parameters())
    bytes += static_cast<std::int64_t>(parameter.nbytes());
  const auto most = cache_bytes / std::max<std::int64_t>(bytes, 1);
  if (most < 2)
    return std::nullopt;
  return net.knows_group_gradients() ? 1 : vmap_unit(model, most);
}

/// Where a lane keeps the gradients of its groups between steps.
class gradient_rows {
public:
  /// For particles of this recipe, with such networks.
  void prepare(const std::shared_ptr<const compiled_recipe>& recipe,
               const network& net) {
    if (recipe == recipe_)
      return;
    recipe_ = recipe;
    count_ = 0;
    unit_ = unit_of(net, recipe->source.model).value_or(1);
  }
  std::size_t unit() const { return static_cast<std::size_t>(unit_); }

  /// Room for `count` networks; the padding between tensors is 0.
  void make_room(std::int64_t count) {
    if (count == count_)
      return;
    count_ = count;
    const auto& section = parameters_of(*recipe_);
    const auto all = at::zeros({count, section.width});
    rows = all.unbind();
    tensors.clear();
    for (const auto& place : section.tensors) {
      auto sizes = at::IntArrayRef{place.shape}.vec();
      auto strides = c10::contiguous_strides(sizes);
      sizes.insert(sizes.begin(), count);
      strides.insert(strides.begin(), section.width);
      tensors.push_back(all.as_strided(sizes, strides, place.offset));
    }
  }

  std::vector<at::Tensor> rows;    ///< [width] of each network
  std::vector<at::Tensor> tensors; ///< [count, shape...] of each parameter

private:
  std::shared_ptr<const compiled_recipe> recipe_; ///< whose layout they have
  std::int64_t unit_{1};
  std::int64_t count_{0};
};

struct group_losses {
  std::vector<double> losses;        ///< of each particle
  std::vector<at::Tensor> gradients; ///< of each, [width]
};

/// The inputs [count, B, ...] in the order of the rows.
at::Tensor inputs_of(std::span<const batch> batches, const row_stack& stack) {
  if (batches.size() == 1) {
    const auto& x = batches.front().inputs;
    auto sizes = x.sizes().vec();
    sizes.insert(sizes.begin(), stack.count());
    return x.expand(sizes);
  }
  return at::stack(
      stack.each([&](std::size_t i) { return batches[i].inputs; }));
}

/// The targets likewise: one for all, or one a row.
std::vector<at::Tensor> targets_of(std::span<const batch> batches,
                                   const row_stack& stack) {
  if (batches.size() == 1)
    return {batches.front().targets};
  return stack.each([&](std::size_t i) { return batches[i].targets; });
}

/// The buffers of the particles in a group, as forward() wants them.
class stacked_buffers {
public:
  stacked_buffers(const row_stack& stack, const compiled_recipe& recipe,
                  const network& net)
      : stack_{stack} {
    for (const auto& buffer : net.named_buffers())
      for (const auto& section : recipe.layout.sections())
        if (section.role == section_role::buffers)
          for (const auto& place : section.tensors)
            if (place.name == buffer.key()) {
              places_.push_back({&section, &place});
              tensors.push_back(stack.tensor(section, place)
                                    .clone(at::MemoryFormat::Contiguous));
            }
  }

  void write_back() const {
    for (std::size_t i = 0; i < places_.size(); ++i)
      stack_.write(*places_[i].section, *places_[i].place, tensors[i]);
  }

  std::vector<at::Tensor> tensors; ///< [count, shape...], in buffers()' order

private:
  struct buffer_place {
    const row_section* section;
    const tensor_place* place;
  };

  const row_stack& stack_;
  std::vector<buffer_place> places_;
};

group_losses losses_of(seated_particles ps, std::span<const batch> batches) {
  thread_local gradient_rows space; // lanes are long-lived threads
  const auto& recipe = ps.front().recipe();
  space.prepare(ps.front().entry.family->recipe, ps.front().seat.net());
  const row_stack stack{ps, space.unit()};
  space.make_room(stack.count());
  std::vector<at::Tensor> parameters;
  const auto& section = parameters_of(recipe);
  parameters.reserve(section.tensors.size());
  for (const auto& place : section.tensors)
    parameters.push_back(stack.tensor(section, place));

  std::vector<double> losses(static_cast<std::size_t>(stack.count()));
  const auto slopes = [&](const at::Tensor& outputs) {
    return recipe.loss.with_group_slopes(outputs, targets_of(batches, stack),
                                         recipe.head, losses);
  };
  std::vector<at::Generator> generators;
  generators.reserve(ps.size());
  for (const auto i : stack.order())
    generators.push_back(ps[i].entry.generator);
  auto& seat = ps.front().seat;
  const auto inputs = inputs_of(batches, stack);
  if (seat.net().knows_group_gradients()) {
    seat.net().group_gradients(parameters, inputs, generators, slopes,
                               space.tensors);
  } else {
    seat.set_training(true);
    const stacked_buffers buffers{stack, recipe, seat.net()};
    vmapped_gradients(seat.net(), parameters, buffers.tensors, inputs,
                      generators, slopes, space.tensors);
    buffers.write_back();
  }
  group_losses out{std::vector<double>(ps.size()),
                   std::vector<at::Tensor>(ps.size())};
  for (std::size_t k = 0; k < ps.size(); ++k) {
    out.losses[stack.order()[k]] = losses[k];
    out.gradients[stack.order()[k]] = space.rows[k];
  }
  return out;
}

/// The same failure for each.
template <class T>
std::vector<expected<T>> all_failed(std::size_t count, const failure& why) {
  return std::vector<expected<T>>(count, expected<T>{tl::unexpected{why}});
}

} // namespace

bool can_group(const model_spec& model, c10::Device device) {
  if (!device.is_cpu())
    return false;
  const auto net = make_network(model);
  return net && unit_of(**net, model);
}

bool can_group(const particle_recipe& recipe, c10::Device device) {
  return recipe.posterior.kind != "variational"
         && can_group(recipe.model, device);
}

std::size_t largest_group(const compiled_recipe& recipe) {
  constexpr auto most = std::int64_t{group_gathering::squad_size};
  const auto& section = parameters_of(recipe);
  const auto bytes =
      section.width * static_cast<std::int64_t>(c10::elementSize(section.type));
  return static_cast<std::size_t>(std::clamp(
      cache_bytes / std::max<std::int64_t>(bytes, 1), std::int64_t{2}, most));
}

bool go_together(const particle_entry& a, const particle_entry& b) {
  return a.family == b.family && a.steps == b.steps
         && a.schedule_steps == b.schedule_steps;
}

std::vector<expected<step_report>> train_group(seated_particles ps,
                                               std::span<const batch> batches) {
  auto done = guarded("step", [&] {
    for (const auto& p : ps)
      note_change(p.entry, false);
    const at::NoGradGuard no_grad;
    const auto all = losses_of(ps, batches);
    const auto& rule = *ps.front().recipe().optimizer;
    std::vector<expected<step_report>> out;
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> noise;
    std::vector<std::vector<at::Tensor>> moments(rule.moments().size());
    for (std::size_t i = 0; i < ps.size(); ++i) {
      const auto loss = all.losses[i];
      if (!std::isfinite(loss)) {
        out.emplace_back(tl::unexpected{diverged(ps[i].entry, "loss", loss)});
        continue;
      }
      const auto& flat = ps[i].seat.flat();
      parameters.push_back(flat.front());
      gradients.push_back(all.gradients[i]);
      if (auto own = draw_noise(ps[i]).row; own.defined())
        noise.push_back(std::move(own));
      for (std::size_t k = 0; k < moments.size(); ++k)
        moments[k].push_back(flat[k + 1]);
      out.emplace_back(step_report{loss, ps[i].entry.steps + 1});
    }
    const auto& first = ps.front().entry;
    rule.step(
        parameters, gradients, moments,
        {first.steps + 1, learning_rate(first), noise_variance(first), noise});
    for (std::size_t i = 0; i < ps.size(); ++i)
      if (out[i])
        count_step(ps[i].entry);
    return out;
  });
  return done ? std::move(*done)
              : all_failed<step_report>(ps.size(), done.error());
}

std::vector<expected<double>> score_group(seated_particles ps,
                                          std::span<const batch> batches) {
  const auto& recipe = ps.front().recipe();
  if (recipe.layout.find(section_role::gradient) == nullptr)
    return all_failed<double>(
        ps.size(), {errc::invalid_argument,
                    "score: the particle's recipe has no gradient row"});
  auto done = guarded("score", [&] {
    for (const auto& p : ps)
      note_change(p.entry, false);
    const at::NoGradGuard no_grad;
    const auto all = losses_of(ps, batches);
    const auto rows = static_cast<double>(recipe.train_rows);
    const auto factor = at::scalar_tensor(-rows);
    const auto shrink =
        weight_decay(recipe.source.weights_prior, recipe.train_rows) * rows;
    std::vector<expected<double>> out;
    for (std::size_t i = 0; i < ps.size(); ++i) {
      const auto loss = all.losses[i];
      if (!std::isfinite(loss)) {
        out.emplace_back(tl::unexpected{diverged(ps[i].entry, "loss", loss)});
        continue;
      }
      // The loss is a mean over the batch: N times it is the sum over the data.
      auto score = gradient_row(ps[i].entry, ps[i].seat.row());
      at::mul_out(score, all.gradients[i], factor);
      if (shrink != 0)
        score.sub_(ps[i].seat.flat().front(), shrink);
      out.emplace_back(loss);
    }
    return out;
  });
  return done ? std::move(*done) : all_failed<double>(ps.size(), done.error());
}

} // namespace posse
