#include "actors/run_plan.hpp"

#include "actors/behavior.hpp"
#include "runtime/compute/batch_parts.hpp"

#include <c10/util/StringUtil.h>

#include <algorithm>

namespace posse {

namespace {

// How often the validation part is measured: often enough to catch the best
// step, seldom enough to cost little beside training.
constexpr std::int64_t validations_a_run = 100;

// A row costs a third of what it does in training, where it goes backward too:
// with twice as many rows trained on between two validations, these take a
// seventh of the time at most.
std::int64_t validation_interval(std::int64_t steps, std::int64_t batch,
                                 std::int64_t validation_rows) {
  const auto passes = (validation_rows + batch - 1) / batch;
  return std::max({steps / validations_a_run, 2 * passes, std::int64_t{1}});
}

expected<model_spec> model_of(const run_config& config,
                              const data_encoding& encoding) {
  const bool classes = encoding.task == task_kind::classification;
  if (classes != (config.model.head == "categorical"))
    return fail(errc::invalid_config,
                config.origins.where("model.head") + ": expected "
                    + std::string{classes ? "\"categorical\" for classes"
                                          : "a head for numbers"}
                    + ", got \"" + config.model.head + "\"");
  model_spec out;
  out.kind = config.model.kind;
  out.inputs = encoding.input_shape;
  out.targets = encoding.outputs;
  out.hidden = config.model.hidden;
  out.activation = config.model.activation;
  out.head = config.model.head;
  out.dropout = config.model.dropout;
  out.prior_scale = config.infer.random_prior;
  return out;
}

local_posterior_spec posterior_of(const run_config& config,
                                  const behavior& acts) {
  local_posterior_spec out;
  out.kind = acts.posterior;
  if (out.kind == "none")
    return out;
  out.draws = config.infer.samples;
  out.seed = static_cast<std::uint64_t>(config.run.seed);
  out.rank = config.infer.rank;
  out.scale = config.infer.scale;
  out.shared_masks = config.infer.masks == "draw";
  out.curvature = config.infer.curvature;
  out.prior_precision = config.infer.prior_precision;
  out.initial_std = config.infer.initial_std;
  return out;
}

/// When a particle's parameters are taken in. By default: once an epoch in the
/// last quarter; of a chain, as often as makes all its samples, in the second
/// half, or in the last quarter of each cycle.
expected<void> plan_collections(const run_config& config,
                                const local_posterior& posterior,
                                train_args& training) {
  const auto& infer = config.infer;
  const bool cyclical = infer.cycles > 1;
  const auto cycle = cycle_length(training.steps, infer.cycles);
  if (cyclical)
    training.cycle = cycle;
  const auto counted =
      posterior.is_chain() && !cyclical ? cycle / 2 : cycle / 4;
  training.burn_in = infer.burn_in.value_or(cycle - counted);
  const auto left = std::max<std::int64_t>(cycle - training.burn_in, 0);
  training.thinning = infer.thinning.value_or(
      posterior.is_chain()
          ? std::max<std::int64_t>(left * infer.cycles / infer.samples, 1)
          : training.batches_per_epoch);
  if (training.collections() >= posterior.least_collected())
    return {};
  return fail(
      errc::invalid_config,
      c10::str(
          config.origins.where("infer.steps"), ": expected at least ",
          training.burn_in + posterior.least_collected() * training.thinning,
          cyclical ? " a cycle" : "",
          ", for infer.burn_in = ", training.burn_in, " and ",
          posterior.least_collected() == 1 ? "a collection" : "two collections",
          " every infer.thinning = ", training.thinning, " steps, got ",
          cycle));
}

/// How a run samples, where its optimizer draws noise.
void plan_sampling(const run_config& config, const train_args& training,
                   particle_recipe& recipe) {
  recipe.cycles = config.infer.cycles;
  recipe.temperature = config.infer.temperature;
  if (recipe.cycles > 1)
    recipe.quiet_steps = training.burn_in;
}

} // namespace

expected<run_plan> make_run_plan(const run_config& config,
                                 const data_set& data) {
  auto acts = behaviors().find(config.infer.algorithm);
  if (!acts)
    return fail(std::move(acts));
  auto model = model_of(config, data.encoding);
  if (!model)
    return fail(std::move(model));
  auto weights_prior = make_prior(config.prior.kind, config.prior.std);
  if (!weights_prior)
    return fail(std::move(weights_prior));

  const auto& infer = config.infer;
  run_plan out;
  out.particles = infer.particles;
  out.behavior = infer.algorithm;
  out.entry = (*acts)->entry;
  out.led = (*acts)->led;
  out.batch = std::min(infer.batch, data.train.size());
  auto& training = out.training;
  training.batches_per_epoch = (data.train.size() + out.batch - 1) / out.batch;
  training.steps = infer.steps.value_or(infer.epochs.value_or(1)
                                        * training.batches_per_epoch);
  training.bootstrap = infer.bootstrap;
  const bool keep_best =
      data.validation.size() > 0 && (*acts)->keeps_best && !out.led;
  if (keep_best)
    training.validate_every =
        validation_interval(training.steps, out.batch, data.validation.size());

  out.recipe.model = std::move(*model);
  out.recipe.loss = infer.loss;
  out.recipe.optimizer.kind = infer.optimizer;
  out.recipe.optimizer.learning_rate = infer.learning_rate;
  out.recipe.optimizer.momentum = infer.momentum;
  if (!(*acts)->optimizer.empty())
    out.recipe.optimizer = {.kind = (*acts)->optimizer,
                            .learning_rate = infer.learning_rate};
  out.recipe.schedule = infer.schedule;
  out.recipe.total_steps = training.steps;
  out.recipe.weights_prior = *weights_prior;
  out.recipe.gradient_row = (*acts)->exchanges_scores;
  out.recipe.keep_best = keep_best;
  out.recipe.posterior = posterior_of(config, **acts);
  auto posterior = make_local_posterior(out.recipe.posterior);
  if (!posterior)
    return fail(std::move(posterior));
  if (*posterior && (*posterior)->origin() == posterior_origin::fit
      && out.recipe.posterior.prior_precision == "validation"
      && data.validation.size() == 0)
    return fail(errc::invalid_config,
                config.origins.where("infer.validation_fraction")
                    + ": expected rows to choose by, for infer.prior_precision "
                      "= \"validation\", got none");
  if (*posterior && (*posterior)->least_collected() > 0)
    if (auto ok = plan_collections(config, **posterior, training); !ok)
      return fail(std::move(ok));
  plan_sampling(config, training, out.recipe);
  out.fusible =
      (*acts)->steps_on_batches
      && !(*posterior && (*posterior)->origin() == posterior_origin::training);
  if (out.fusible && infer.particles == 1 && config.run.fuse == fuse_mode::on
      && can_part(out.recipe.model))
    out.recipe.batch_parts = parts_of_a_batch;

  auto args = to_dict(training);
  if ((*acts)->exchanges_scores) {
    args["kernel"] = infer.kernel;
    args["bandwidth"] = infer.bandwidth;
    args["annealing"] = infer.annealing;
  }
  args["leapfrogs"] = infer.leapfrogs;
  args["wanted"] = infer.acceptance;
  args["train_rows"] = static_cast<double>(data.train.size());
  out.entry_args = std::move(args);
  return out;
}

} // namespace posse
