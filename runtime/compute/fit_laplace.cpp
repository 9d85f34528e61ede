#include "runtime/compute/fit_laplace.hpp"

#include "runtime/compute/curvature.hpp"
#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/remembered_rows.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/model/likelihood.hpp"
#include "runtime/model/network.hpp"
#include "runtime/posterior/laplace.hpp"

#include <ATen/ATen.h>
#include <c10/util/ScopeExit.h>

#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace posse {

namespace {

/// What follows from a curvature: the evidence of precisions, and how the
/// covariance of one is written to the particle.
struct fitted {
  laplace_evidence evidence;
  std::function<void(double precision)> write;
};

double squared_norm(const at::Tensor& x) {
  return x.to(at::kDouble).square().sum().item<double>();
}

/// The elements of a flat row that are parameters.
at::Tensor without_padding(const row_section& section, const at::Tensor& row) {
  std::vector<at::Tensor> out;
  for (const auto& place : section.tensors)
    out.push_back(row.narrow(0, place.offset, place.numel));
  return at::cat(out);
}

expected<fitted> fit_diagonal(seated_particle p, const data_set& data) {
  auto found = diagonal_curvature(p, data);
  if (!found)
    return fail(std::move(found));
  const auto& h = found->curvature;
  const auto& section = p.recipe().layout.sections().front();
  const auto own = parameter_row(p.entry, p.seat.row());
  const auto target = remembered_rows(p).front();
  if (!h.isfinite().all().item<bool>())
    return fail(errc::non_finite,
                "the curvature of the log likelihood is no number");
  return fitted{
      {without_padding(section, h), squared_norm(own), found->log_likelihood},
      [h, target](double precision) {
        target.copy_(h.add(precision).rsqrt());
      }};
}

expected<fitted> fit_last_layer(seated_particle p, const data_set& data) {
  auto found = last_layer_curvature(p, data);
  if (!found)
    return fail(std::move(found));
  auto spectrum = decompose(found->curvature);
  if (!spectrum)
    return fail(std::move(spectrum));
  const auto last = *p.seat.net().last_layer();
  const auto norm = squared_norm(p.seat.parameters()[last.weight])
                    + squared_norm(p.seat.parameters()[last.bias]);
  const auto target = remembered_rows(p).front();
  return fitted{{spectrum->values, norm, found->log_likelihood},
                [spectrum = *spectrum, target](double precision) {
                  target.copy_(spectrum.root_of_covariance(precision));
                }};
}

/// Of the equal mixture of draws, the mean over rows.
double mixture_nll(const at::Tensor& draws, const at::Tensor& targets,
                   head_kind head) {
  const auto wanted = exact_targets(targets);
  std::vector<at::Tensor> each;
  for (std::int64_t s = 0; s < draws.size(0); ++s)
    each.push_back(
        log_likelihood(draws.select(0, s).to(at::kDouble), wanted, head));
  const auto of_rows = at::logsumexp(at::stack(each), 0)
                           .sub_(std::log(static_cast<double>(draws.size(0))));
  return -of_rows.mean().item<double>();
}

/// Of the precisions to try, that of lowest NLL; of equal ones the first.
expected<double> best_on_validation(seated_particle p, const data_set& data,
                                    const fitted& by) {
  if (data.validation.size() == 0)
    return fail(errc::invalid_argument,
                "the data set has no validation rows to choose the prior's "
                "precision by");
  // While it lasts, there is something to predict with.
  p.entry.collected = 1;
  const auto undo = c10::make_scope_exit([&] { p.entry.collected = 0; });
  double best = 0;
  double lowest = std::numeric_limits<double>::infinity();
  for (auto precision : precisions_to_try()) {
    by.write(precision);
    auto draws = predict_part(p, data, data_part::validation);
    if (!draws)
      return fail(std::move(draws));
    const auto nll =
        mixture_nll(*draws, data.validation.targets, p.recipe().head);
    if (nll < lowest) {
      lowest = nll;
      best = precision;
    }
  }
  if (best == 0)
    return fail(errc::non_finite, "the NLL of the validation rows is no number "
                                  "for any precision of the prior");
  return best;
}

expected<double> precision_of(seated_particle p, const data_set& data,
                              const fitted& by) {
  const auto& rule = p.recipe().source.posterior.prior_precision;
  if (rule == "evidence")
    return by.evidence.best_precision();
  if (rule == "validation")
    return best_on_validation(p, data, by);
  const auto& prior = p.recipe().source.weights_prior;
  if (prior.kind == prior_kind::flat)
    return fail(errc::invalid_argument,
                "prior_precision: expected a normal prior, got a flat one");
  return 1 / (prior.std * prior.std);
}

} // namespace

expected<laplace_fit> fit_laplace(seated_particle p, const data_set& data) {
  const auto& rule = p.recipe().posterior;
  if (!rule || rule->origin() != posterior_origin::fit)
    return fail(errc::invalid_argument,
                "fit: the particle's posterior is not fitted");
  return guarded("fit", [&]() -> expected<laplace_fit> {
    const at::NoGradGuard no_grad;
    const auto kept = remembered_rows(p).back();
    const auto told = [&kept] {
      return laplace_fit{kept[0].item<double>(), kept[1].item<double>()};
    };
    if (p.entry.collected > 0)
      return told();
    note_change(p.entry, false);
    auto by = p.recipe().source.posterior.curvature == "diagonal"
                  ? fit_diagonal(p, data)
                  : fit_last_layer(p, data);
    if (!by)
      return fail(std::move(by));
    auto precision = precision_of(p, data, *by);
    if (!precision)
      return fail(std::move(precision));
    const auto log_evidence = by->evidence.log_evidence(*precision);
    if (!(std::abs(log_evidence) < std::numeric_limits<float>::max()))
      return fail(errc::non_finite, "the log evidence is no number of float32");
    by->write(*precision);
    kept[0].fill_(*precision);
    kept[1].fill_(log_evidence);
    p.entry.collected = 1;
    return told();
  });
}

} // namespace posse
