#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/placed.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/FunctionRef.h>

#include <string>
#include <utility>
#include <vector>

namespace posse {

namespace {

using outputs_fn = c10::function_ref<expected<at::Tensor>()>;

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

std::vector<at::Tensor> posterior_rows(seated_particle p) {
  std::vector<at::Tensor> out;
  for (const auto& section : p.recipe().layout.sections())
    if (section.role == section_role::posterior)
      out.push_back(section_view(p.seat.row(), section));
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

/// The outputs of all draws. @param data For statistics of batches; may be
///   null.
expected<at::Tensor> outputs_of_draws(seated_particle p, const data_set* data,
                                      outputs_fn outputs) {
  const auto& rule = *p.recipe().posterior;
  const auto& spec = p.recipe().source.posterior;
  const auto rows = posterior_rows(p);
  if (!rows.empty() && p.entry.collected == 0)
    return fail(errc::invalid_argument,
                "no parameters were collected for its posterior yet");
  auto& net = p.seat.net();
  const bool anew = !rule.drops_units() && has_batch_statistics(net);
  if (anew && data == nullptr)
    return fail(errc::invalid_argument,
                "expected a network without running statistics of batches: "
                "those of a draw are estimated on training rows, which are not "
                "here");
  const auto own = parameter_row(p.entry, p.seat.row());
  kept_network kept{p};
  std::vector<at::Tensor> each;
  const auto draws = rule.draws(spec.draws, p.entry.collected);
  for (std::int64_t s = 0; s < draws; ++s) {
    auto numbers = make_generator(
        derive_seed(spec.seed, p.entry.pid, "draw " + std::to_string(s)));
    rule.draw(own, rows, p.entry.collected, s, numbers);
    const generator_scope units{numbers};
    if (anew)
      estimate_on_training_rows(p, *data);
    if (rule.drops_units())
      drop_units(net);
    auto one = outputs();
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
      return outputs();
    return outputs_of_draws(p, data, outputs);
  });
}

} // namespace

expected<at::Tensor> predict_posterior(seated_particle p, const at::Tensor& x) {
  return outputs_of_posterior(p, nullptr, [&]() -> expected<at::Tensor> {
    return outputs_of(p.seat, x);
  });
}

expected<at::Tensor> predict_part(seated_particle p, const data_set& data,
                                  data_part part) {
  return outputs_of_posterior(p, &data, [&]() -> expected<at::Tensor> {
    const chunks rows{data, part, evaluation_rows};
    std::vector<at::Tensor> outputs;
    for (std::int64_t i = 0; i < rows.size(); ++i) {
      auto chunk = rows.at(i);
      if (!chunk)
        return fail(std::move(chunk));
      outputs.push_back(outputs_of(p.seat, chunk->inputs));
    }
    if (outputs.empty())
      return fail(errc::invalid_argument, "the data set has no "
                                              + std::string{to_string(part)}
                                              + " rows");
    return at::cat(outputs);
  });
}

expected<std::int64_t> collect(seated_particle p) {
  const auto& rule = p.recipe().posterior;
  if (!rule || rule->rows().empty())
    return fail(errc::invalid_argument,
                "collect: the particle remembers nothing of its posterior");
  return guarded("collect", [&] {
    rule->collect(parameter_row(p.entry, p.seat.row()), posterior_rows(p),
                  p.entry.collected);
    return ++p.entry.collected;
  });
}

} // namespace posse
