#include "runtime/compute/recipe.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/module_kinds.hpp"
#include "runtime/model/network.hpp"
#include "runtime/store/bank.hpp"

namespace posse {

expected<std::shared_ptr<const compiled_recipe>>
compile(const particle_recipe& source, std::int64_t train_rows) {
  auto head = parse_head(source.model.head);
  if (!head)
    return fail(std::move(head));
  auto loss = find_loss(source.loss, *head);
  if (!loss)
    return fail(std::move(loss));
  auto scoring_rule =
      find_loss(*head == head_kind::point ? "mse" : "nll", *head);
  if (!scoring_rule)
    return fail(std::move(scoring_rule));
  auto schedule = schedules().find(source.schedule);
  if (!schedule)
    return fail(std::move(schedule));
  // A recipe with a gradient row adds the prior to the score, the others give
  // it to the optimizer.
  auto settings = source.optimizer;
  if (!source.gradient_row)
    settings.weight_decay += weight_decay(source.weights_prior, train_rows);
  auto optimizer = make_optimizer(settings);
  if (!optimizer)
    return fail(std::move(optimizer));
  if (source.gradient_row && (*optimizer)->draws_noise())
    return fail(errc::invalid_argument,
                "optimizer: expected one without noise for particles that move "
                "together, got "
                    + settings.kind);
  auto posterior = make_local_posterior(source.posterior);
  if (!posterior)
    return fail(std::move(posterior));
  // Only names, shapes and dtypes of this network are used.
  auto numbers = make_generator(0);
  auto prototype = [&] {
    const generator_scope scope{numbers};
    return make_network(source.model);
  }();
  if (!prototype)
    return fail(std::move(prototype));
  if (*posterior && (*posterior)->drops_units() && !has_dropout(**prototype))
    return fail(errc::invalid_argument,
                "model: expected a network with dropout, got none; set "
                "model.dropout to the share of units to drop, such as 0.005");
  return guarded("layout", [&] {
    std::vector<std::string> moments;
    for (auto name : (*optimizer)->moments())
      moments.emplace_back(name);
    row_extras extras{moments, source.gradient_row, source.keep_best, {}};
    if (*posterior)
      extras.posterior = (*posterior)->rows();
    return std::shared_ptr<const compiled_recipe>{new compiled_recipe{
        source, train_rows, *head, std::move(*loss), scoring_rule->function,
        **schedule, std::move(*optimizer), std::move(*posterior),
        particle_layout{parameters_of(**prototype), buffers_of(**prototype),
                        extras}}};
  });
}

} // namespace posse
