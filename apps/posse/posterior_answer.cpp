#include "apps/posse/posterior_answer.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/posterior/classification_metrics.hpp"
#include "runtime/posterior/diversity.hpp"
#include "runtime/posterior/regression_metrics.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace posse {

namespace {

std::vector<double> to_vector(const at::Tensor& x) {
  const auto own = x.to(at::kDouble).contiguous();
  const auto* data = own.const_data_ptr<double>();
  return {data, data + own.numel()};
}

std::vector<std::int64_t> to_integers(const at::Tensor& x) {
  const auto own = x.to(at::kLong).contiguous();
  const auto* data = own.const_data_ptr<std::int64_t>();
  return {data, data + own.numel()};
}

at::Tensor to_tensor(const std::vector<double>& x) {
  return at::tensor(x, at::kDouble);
}

std::vector<double> square_roots(const at::Tensor& x) {
  return to_vector(x.sqrt());
}

/// The networks' outputs [B, K] one by one, and how many a particle has.
std::pair<std::vector<at::Tensor>, std::int64_t>
networks_of(std::span<const at::Tensor> outputs) {
  std::vector<at::Tensor> out;
  for (const auto& each : outputs)
    if (each.dim() == 3)
      std::ranges::copy(each.unbind(0), std::back_inserter(out));
    else
      out.push_back(each);
  const auto draws = outputs[0].dim() == 3 ? outputs[0].size(0) : 1;
  return {std::move(out), draws};
}

expected<posterior_answer> combine_means(std::span<const at::Tensor> particles,
                                         head_kind head, const scaling& units) {
  const auto [outputs, draws] = networks_of(particles);
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> variances;
  for (const auto& each : outputs) {
    const auto parts = interpret(each.to(at::kDouble), head);
    // As scaling::decode() and decode_variance() do, on all rows at once.
    means.push_back((parts.mean * units.sd + units.mean).squeeze(1));
    if (parts.variance.defined())
      variances.push_back((parts.variance * units.sd * units.sd).squeeze(1));
  }
  regression_members members{at::stack(means), std::nullopt};
  if (!variances.empty())
    members.variances = at::stack(variances);
  auto predictive = predict_regression(members);
  if (!predictive)
    return fail(std::move(predictive));
  return regression_answer{{std::move(members), std::move(*predictive)}, draws};
}

expected<posterior_answer>
combine_logits(std::span<const at::Tensor> particles) {
  const auto [outputs, draws] = networks_of(particles);
  std::vector<at::Tensor> logits;
  for (const auto& each : outputs)
    logits.push_back(each.to(at::kDouble));
  auto all = at::stack(logits);
  auto predictive = predict_classification(all);
  if (!predictive)
    return fail(std::move(predictive));
  return classification_answer{std::move(all), std::move(*predictive), draws};
}

prediction_table columns_of(const regression_answer& answer,
                            const answered_rows& rows) {
  const auto& x = answer.predictive;
  regression_predictions out;
  out.row = rows.numbers;
  out.target = rows.targets.value_or(std::vector<double>{});
  out.mean = to_vector(x.mean);
  out.epistemic_std = square_roots(x.epistemic_variance);
  if (!x.gaussian) {
    out.std = out.epistemic_std;
    return out;
  }
  out.std = square_roots(x.gaussian->variance);
  out.aleatoric_std = square_roots(x.gaussian->aleatoric_variance);
  out.q05 = to_vector(x.gaussian->q05);
  out.q50 = to_vector(x.gaussian->q50);
  out.q95 = to_vector(x.gaussian->q95);
  return out;
}

prediction_table columns_of(const classification_answer& answer,
                            const answered_rows& rows) {
  const auto& x = answer.predictive;
  classification_predictions out;
  out.row = rows.numbers;
  if (rows.targets)
    std::ranges::transform(*rows.targets, std::back_inserter(out.target),
                           [](double t) { return std::llround(t); });
  out.predicted = to_integers(x.predicted);
  out.entropy = to_vector(x.entropy);
  out.mutual_information = to_vector(x.mutual_information);
  out.classes = static_cast<std::size_t>(x.probabilities.size(1));
  out.probabilities = to_vector(x.probabilities);
  return out;
}

/// Both kinds of metrics have the same shape: one of all, one a member, and how
/// unlike members are.
template <class Metrics, class Diversity>
expected<test_metrics>
listed(const expected<Metrics>& all, const expected<std::vector<Metrics>>& each,
       const std::optional<expected<Diversity>>& diversity) {
  if (!all)
    return tl::unexpected{all.error()};
  if (!each)
    return tl::unexpected{each.error()};
  test_metrics out{to_list(*all), {}, {}};
  for (const auto& member : *each)
    out.members.push_back(to_list(member));
  if (!diversity)
    return out;
  if (!*diversity)
    return tl::unexpected{diversity->error()};
  out.diversity = {to_list(**diversity), (*diversity)->collapsed};
  return out;
}

expected<test_metrics> measured(const regression_answer& answer,
                                const at::Tensor& targets) {
  const auto& members = answer.members;
  const auto draws = answer.draws;
  std::optional<expected<regression_diversity>> diversity;
  if (members.means.size(0) > draws)
    diversity =
        evaluate_regression_diversity(members, answer.predictive, draws);
  return listed(evaluate_regression(members, answer.predictive, targets),
                evaluate_regression_members(members, targets, draws),
                diversity);
}

expected<test_metrics> measured(const classification_answer& answer,
                                const at::Tensor& targets) {
  const auto& [logits, predictive, draws] = answer;
  const auto labels = targets.to(at::kLong);
  std::optional<expected<classification_diversity>> diversity;
  if (logits.size(0) > draws)
    diversity = evaluate_classification_diversity(logits, draws);
  return listed(evaluate_classification(predictive, labels),
                evaluate_classification_members(logits, labels, draws),
                diversity);
}

} // namespace

expected<posterior_answer> combine(std::span<const at::Tensor> outputs,
                                   head_kind head,
                                   const data_encoding& encoding) {
  return guarded("predictions", [&]() -> expected<posterior_answer> {
    const at::NoGradGuard no_grad;
    if (outputs.empty())
      return fail(errc::invalid_argument, "predictions: there is no particle");
    return head == head_kind::categorical
               ? combine_logits(outputs)
               : combine_means(outputs, head, encoding.output);
  });
}

answered_rows rows_of(const data_set& data, data_part part) {
  const auto& rows = data.part(part);
  answered_rows out{{rows.numbers.begin(), rows.numbers.end()}, {}};
  out.targets = data.encoding.task == task_kind::regression
                    ? rows.original_targets
                    : to_vector(rows.targets);
  return out;
}

prediction_table tabulate(const posterior_answer& answer,
                          const answered_rows& rows) {
  return std::visit([&rows](const auto& x) { return columns_of(x, rows); },
                    answer);
}

expected<test_metrics> measure(const posterior_answer& answer,
                               const std::vector<double>& targets) {
  return guarded("metrics", [&] {
    return std::visit(
        [t = to_tensor(targets)](const auto& x) { return measured(x, t); },
        answer);
  });
}

expected<answer_calibration> calibrate_answer(
    const posterior_answer& validation, const std::vector<double>& targets,
    const posterior_answer& test, const std::vector<double>& test_targets) {
  return guarded("calibration", [&]() -> expected<answer_calibration> {
    const auto y = to_tensor(targets);
    const auto test_y = to_tensor(test_targets);
    if (const auto* x = std::get_if<regression_answer>(&validation))
      return calibrate(*x, y, std::get<regression_answer>(test), test_y);
    return calibrate(
        std::get<classification_answer>(validation).predictive, y.to(at::kLong),
        std::get<classification_answer>(test).predictive, test_y.to(at::kLong));
  });
}

} // namespace posse
