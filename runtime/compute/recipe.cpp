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
  auto posterior = make_local_posterior(source.posterior);
  if (!posterior)
    return fail(std::move(posterior));
  const bool is_variational =
      *posterior && (*posterior)->origin() == posterior_origin::training;
  // A recipe with a gradient row adds the prior to the score, a variational one
  // to the slopes of means and deviations; the others give it to the optimizer.
  auto settings = source.optimizer;
  if (!source.gradient_row && !is_variational)
    settings.weight_decay += weight_decay(source.weights_prior, train_rows);
  auto optimizer = make_optimizer(settings);
  if (!optimizer)
    return fail(std::move(optimizer));
  if ((source.gradient_row || is_variational) && (*optimizer)->draws_noise())
    return fail(errc::invalid_argument,
                std::string{"optimizer: expected one without noise for "}
                    + (is_variational ? "a variational posterior"
                                      : "particles that move together")
                    + ", got " + settings.kind);
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
  std::vector<posterior_row> remembered;
  if (*posterior) {
    auto rows = (*posterior)->rows(**prototype);
    if (!rows)
      return fail(std::move(rows));
    remembered = std::move(*rows);
    // What is trained like the parameters has moments, too.
    if ((*posterior)->origin() == posterior_origin::training)
      for (auto name : (*optimizer)->moments())
        remembered.push_back(
            {remembered.front().name + '.' + std::string{name}});
  }
  if (is_variational && source.weights_prior.kind == prior_kind::flat)
    return fail(errc::invalid_argument,
                "prior: expected a normal one for a variational posterior, got "
                "a flat one: weights that the data leave free have none");
  if (is_variational && has_dropout(**prototype))
    return fail(errc::invalid_argument,
                "model: expected a network without dropout for a variational "
                "posterior: the noise is that of its weights");
  return guarded("layout", [&] {
    std::vector<std::string> moments;
    for (auto name : (*optimizer)->moments())
      moments.emplace_back(name);
    row_extras extras{moments, source.gradient_row, source.keep_best,
                      std::move(remembered)};
    return std::shared_ptr<const compiled_recipe>{new compiled_recipe{
        source, train_rows, *head, std::move(*loss), scoring_rule->function,
        **schedule, std::move(*optimizer), std::move(*posterior),
        particle_layout{parameters_of(**prototype), buffers_of(**prototype),
                        extras}}};
  });
}

} // namespace posse
