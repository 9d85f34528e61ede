#include "actors/recipe_of_particle.hpp"

#include "actors/behavior.hpp"

namespace posse {

expected<particle_recipe>
recipe_of_particle(particle_recipe recipe,
                   const receive_particle_init_msg& req) {
  auto optimizer = optimizer_spec::from_value(req.optimizer.args);
  if (!optimizer)
    return fail(std::move(optimizer));
  recipe.optimizer = std::move(*optimizer);
  recipe.optimizer.kind = req.optimizer.name;
  auto std = req.prior.args.at_or<double>("std", 1.0);
  if (!std)
    return fail(std::move(std));
  auto weights_prior =
      make_prior(req.prior.name.empty() ? "flat" : req.prior.name, *std);
  if (!weights_prior)
    return fail(std::move(weights_prior));
  recipe.weights_prior = *weights_prior;
  recipe.schedule =
      req.scheduler.name.empty() ? "constant" : req.scheduler.name;
  auto total =
      req.scheduler.args.at_or<std::int64_t>("total_steps", recipe.total_steps);
  if (!total)
    return fail(std::move(total));
  recipe.total_steps = *total;
  auto acts = behaviors().find(req.behaviour.name);
  if (!acts)
    return fail(std::move(acts));
  recipe.gradient_row = (*acts)->exchanges_scores;
  recipe.posterior.kind = (*acts)->posterior;
  auto keep_best = req.behaviour.args.at_or<bool>("keep_best", false);
  if (!keep_best)
    return fail(std::move(keep_best));
  recipe.keep_best = *keep_best;
  return recipe;
}

} // namespace posse
