#include "actors/run_plan.hpp"

#include "actors/behavior.hpp"
#include "runtime/compute/batch_parts.hpp"

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
  return out;
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
  const bool keep_best = data.validation.size() > 0 && !out.led;
  if (keep_best)
    training.validate_every =
        validation_interval(training.steps, out.batch, data.validation.size());

  out.recipe.model = std::move(*model);
  out.recipe.loss = infer.loss;
  out.recipe.optimizer.kind = infer.optimizer;
  out.recipe.optimizer.learning_rate = infer.learning_rate;
  out.recipe.optimizer.momentum = infer.momentum;
  out.recipe.schedule = infer.schedule;
  out.recipe.total_steps = training.steps;
  out.recipe.weights_prior = *weights_prior;
  out.recipe.gradient_row = (*acts)->exchanges_scores;
  out.recipe.keep_best = keep_best;
  if (infer.particles == 1 && config.run.fuse == fuse_mode::on
      && can_part(out.recipe.model))
    out.recipe.batch_parts = parts_of_a_batch;

  auto args = to_dict(training);
  if ((*acts)->exchanges_scores)
    args["bandwidth"] = infer.bandwidth;
  out.entry_args = std::move(args);
  return out;
}

} // namespace posse
