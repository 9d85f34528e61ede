#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/linearised.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/compute/remembered_rows.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/shared_masks.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/FunctionRef.h>

#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// What the network that is there now gives for inputs [rows, ...] on the host.
using network_fn = c10::function_ref<at::Tensor(const at::Tensor& x)>;
/// The outputs that are wanted, by a network.
using outputs_fn = c10::function_ref<expected<at::Tensor>(network_fn)>;

/// A particle's parameters and buffers, put back whatever was done to them and
/// to the mode of its network.
class kept_network {
public:
  explicit kept_network(seated_particle p) : seat_{p.seat} {
    for (const auto& section : p.recipe().layout.sections())
      if (section.role == section_role::parameters
          || section.role == section_role::buffers) {
        auto own = section_view(seat_.row(), section);
        auto copy = own.clone();
        kept_.emplace_back(std::move(own), std::move(copy));
      }
  }
  kept_network(const kept_network&) = delete;
  kept_network& operator=(const kept_network&) = delete;
  ~kept_network() {
    put_back();
    seat_.net().eval(); // as the slot believes it to be
  }

  void put_back() {
    const at::NoGradGuard no_grad;
    for (const auto& [own, copy] : kept_)
      own.copy_(copy);
  }

private:
  slot& seat_;
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;
};

std::vector<at::Tensor> copies_of(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> out;
  for (const auto& each : tensors)
    out.push_back(each.detach().clone());
  return out;
}

/// Makes the network's statistics of batches those of the training rows, and
/// has it predict.
void estimate_on_training_rows(seated_particle p, const data_set& data) {
  const at::NoGradGuard no_grad;
  const chunks rows{data, data_part::train, evaluation_rows};
  auto& net = p.seat.net();
  estimate_batch_statistics(net, [&](auto batch) {
    for (std::int64_t i = 0; i < rows.size(); ++i) {
      const auto chunk = rows.at(i);
      TORCH_CHECK(chunk, chunk.error().message); // guarded() takes it back
      batch(placed_on(p.seat.row().device(), chunk->inputs));
    }
  });
  net.eval();
}

/// The outputs of the network that is linear in its parameters around those in
/// `kept`, for those that were drawn.
expected<at::Tensor> outputs_of_linear(seated_particle p, kept_network& kept,
                                       outputs_fn outputs) {
  auto moves = copies_of(p.seat.parameters());
  kept.put_back();
  for (std::size_t i = 0; i < moves.size(); ++i)
    moves[i].sub_(p.seat.parameters()[i].detach());
  return outputs([&](const at::Tensor& x) {
    return linearised_outputs(p.seat, x, moves);
  });
}

/// outputs_of(), with the same units dropped for all rows.
at::Tensor outputs_of_thinned(const slot& seat, const at::Tensor& x,
                              const at::Generator& numbers) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (const auto& rows : x.split(evaluation_rows))
    parts.push_back(on_host(forward_with_shared_masks(
        seat.net(), placed_on(seat.row().device(), rows), numbers)));
  return at::cat(parts);
}

/// The outputs of the drawn network. @param data For statistics of batches;
///   null: as they are. @param numbers Of the draw.
expected<at::Tensor> outputs_of_drawn(seated_particle p, const data_set* data,
                                      const at::Generator& numbers,
                                      outputs_fn outputs) {
  if (data != nullptr)
    estimate_on_training_rows(p, *data);
  if (p.recipe().posterior->drops_units()) {
    drop_units(p.seat.net());
    if (p.recipe().source.posterior.shared_masks)
      return outputs([&](const at::Tensor& x) {
        return outputs_of_thinned(p.seat, x, numbers);
      });
  }
  return outputs([&](const at::Tensor& x) { return outputs_of(p.seat, x); });
}

/// The outputs of all draws. @param data For statistics of batches; may be
///   null.
expected<at::Tensor> outputs_of_draws(seated_particle p, const data_set* data,
                                      outputs_fn outputs) {
  const auto& rule = *p.recipe().posterior;
  const auto& spec = p.recipe().source.posterior;
  const auto rows = remembered_rows(p);
  if (p.entry.collected == 0) {
    if (rule.origin() == posterior_origin::iterates)
      return fail(errc::invalid_argument,
                  "no parameters were collected for its posterior yet");
    if (rule.origin() == posterior_origin::fit)
      return fail(errc::invalid_argument, "its posterior was not fitted yet");
  }
  auto& net = p.seat.net();
  const bool anew = rule.moves_statistics() && has_batch_statistics(net);
  if (anew && data == nullptr)
    return fail(errc::invalid_argument,
                "expected a network without running statistics of batches: "
                "those of a draw are estimated on training rows, which are not "
                "here");
  if (!anew)
    data = nullptr;
  const auto own = parameter_row(p.entry, p.seat.row());
  kept_network kept{p};
  std::vector<at::Tensor> each;
  const auto draws = rule.draws(spec.draws, p.entry.collected);
  for (std::int64_t s = 0; s < draws; ++s) {
    auto numbers = make_generator(
        derive_seed(spec.seed, p.entry.pid, "draw " + std::to_string(s)));
    rule.draw(net, own, rows, p.entry.collected, s, numbers);
    const generator_scope units{numbers};
    auto one = rule.is_linearised()
                   ? outputs_of_linear(p, kept, outputs)
                   : outputs_of_drawn(p, data, numbers, outputs);
    if (!one)
      return one;
    each.push_back(std::move(*one));
    kept.put_back();
  }
  return at::stack(each);
}

/// Of the particle's posterior, by `outputs` of one network in evaluation mode.
expected<at::Tensor> outputs_of_posterior(seated_particle p,
                                          const data_set* data,
                                          outputs_fn outputs) {
  if (p.entry.diverged)
    return fail(errc::non_finite, "its loss became no number at step "
                                      + std::to_string(p.entry.steps + 1));
  return guarded("predict", [&]() -> expected<at::Tensor> {
    p.seat.set_training(false);
    if (!p.recipe().posterior)
      return outputs(
          [&](const at::Tensor& x) { return outputs_of(p.seat, x); });
    return outputs_of_draws(p, data, outputs);
  });
}

} // namespace

expected<at::Tensor> predict_posterior(seated_particle p, const at::Tensor& x) {
  return outputs_of_posterior(
      p, nullptr, [&](network_fn of) -> expected<at::Tensor> { return of(x); });
}

expected<at::Tensor> predict_part(seated_particle p, const data_set& data,
                                  data_part part) {
  const auto all_rows = [&](network_fn of) -> expected<at::Tensor> {
    const chunks rows{data, part, evaluation_rows};
    std::vector<at::Tensor> outputs;
    for (std::int64_t i = 0; i < rows.size(); ++i) {
      auto chunk = rows.at(i);
      if (!chunk)
        return fail(std::move(chunk));
      outputs.push_back(of(chunk->inputs));
    }
    if (outputs.empty())
      return fail(errc::invalid_argument, "the data set has no "
                                              + std::string{to_string(part)}
                                              + " rows");
    return at::cat(outputs);
  };
  return outputs_of_posterior(p, &data, all_rows);
}

expected<std::int64_t> collect(seated_particle p) {
  const auto& rule = p.recipe().posterior;
  if (!rule || rule->origin() != posterior_origin::iterates)
    return fail(errc::invalid_argument,
                "collect: the particle's posterior is not made of iterates");
  return guarded("collect", [&] {
    rule->collect(parameter_row(p.entry, p.seat.row()), remembered_rows(p),
                  p.entry.collected);
    return ++p.entry.collected;
  });
}

} // namespace posse
