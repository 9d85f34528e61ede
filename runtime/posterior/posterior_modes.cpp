#include "runtime/posterior/posterior_modes.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <array>
#include <string>

namespace posse {

namespace {

/// Runs `f` on the predictions in float64 if they are [B, M, ...], M > 0.
template <class F>
expected<at::Tensor> reduce_numbers(const at::Tensor& x, F&& f) {
  return guarded("posterior mode", [&]() -> expected<at::Tensor> {
    if (!x.defined() || x.dim() < 2 || x.size(1) == 0 || !x.is_floating_point())
      return fail(errc::invalid_argument,
                  "predictions: expected floating point [B, M, ...], M > 0");
    return f(x.to(at::kDouble));
  });
}

/// The same for logits [B, M, C], C > 0.
template <class F>
expected<at::Tensor> reduce_logits(const at::Tensor& x, F&& f) {
  return guarded("posterior mode", [&]() -> expected<at::Tensor> {
    if (!x.defined() || x.dim() != 3 || x.size(1) == 0 || x.size(2) == 0
        || !x.is_floating_point())
      return fail(errc::invalid_argument,
                  "logits: expected floating point [B, M, C], M and C > 0");
    return f(x.to(at::kDouble));
  });
}

/// Unbiased, so NaN for one member: by hand, since LibTorch warns about it.
at::Tensor unbiased_std(const at::Tensor& x) {
  const auto m = static_cast<double>(x.size(1));
  return (x - x.mean(1, true)).square().sum(1).div(m - 1).sqrt();
}

expected<posterior_mode_function>
find_mode(std::string_view kind, std::span<const posterior_mode> modes,
          std::string_view name) {
  std::string known;
  for (const auto& mode : modes) {
    if (mode.name == name)
      return mode.apply;
    known += (known.empty() ? "" : ", ") + std::string{mode.name};
  }
  return fail(errc::unknown_name, c10::str(kind, " mode: expected one of ",
                                           known, ", got \"", name, "\""));
}

} // namespace

namespace regression_modes {

expected<at::Tensor> mean(const at::Tensor& predictions) {
  return reduce_numbers(predictions, [](const auto& x) { return x.mean(1); });
}

expected<at::Tensor> median(const at::Tensor& predictions) {
  return reduce_numbers(predictions, [](const at::Tensor& x) {
    auto sorted = std::get<0>(x.sort(1));
    const auto m = x.size(1);
    return (sorted.select(1, (m - 1) / 2) + sorted.select(1, m / 2)) / 2;
  });
}

expected<at::Tensor> min(const at::Tensor& predictions) {
  return reduce_numbers(predictions, [](const auto& x) { return x.amin(1); });
}

expected<at::Tensor> max(const at::Tensor& predictions) {
  return reduce_numbers(predictions, [](const auto& x) { return x.amax(1); });
}

expected<at::Tensor> standard_deviation(const at::Tensor& predictions) {
  return reduce_numbers(predictions, unbiased_std);
}

expected<at::Tensor> pred(const at::Tensor& predictions) {
  return reduce_numbers(predictions, [&](const auto&) { return predictions; });
}

} // namespace regression_modes

namespace classification_modes {

expected<at::Tensor> logits(const at::Tensor& logits) {
  return reduce_logits(logits, [&](const auto&) { return logits; });
}

expected<at::Tensor> prob(const at::Tensor& logits) {
  return reduce_logits(logits, [](const auto& x) { return x.softmax(-1); });
}

expected<at::Tensor> mean_prob(const at::Tensor& logits) {
  return reduce_logits(logits,
                       [](const auto& x) { return x.softmax(-1).mean(1); });
}

expected<at::Tensor> mode(const at::Tensor& logits) {
  return reduce_logits(logits, [](const at::Tensor& x) {
    auto votes = at::one_hot(x.argmax(-1), x.size(2)).sum(1);
    return votes.argmax(-1);
  });
}

expected<at::Tensor> standard_deviation(const at::Tensor& logits) {
  return reduce_logits(
      logits, [](const auto& x) { return unbiased_std(x.softmax(-1)); });
}

} // namespace classification_modes

std::span<const posterior_mode> all_regression_modes() {
  using namespace regression_modes;
  static constexpr std::array<posterior_mode, 6> modes{
      {{"mean", mean},
       {"median", median},
       {"min", min},
       {"max", max},
       {"std", standard_deviation},
       {"pred", pred}}};
  return modes;
}

std::span<const posterior_mode> all_classification_modes() {
  using namespace classification_modes;
  static constexpr std::array<posterior_mode, 5> modes{
      {{"logits", classification_modes::logits},
       {"prob", prob},
       {"mean_prob", mean_prob},
       {"mode", classification_modes::mode},
       {"std", standard_deviation}}};
  return modes;
}

expected<posterior_mode_function> find_regression_mode(std::string_view name) {
  return find_mode("regression", all_regression_modes(), name);
}

expected<posterior_mode_function>
find_classification_mode(std::string_view name) {
  return find_mode("classification", all_classification_modes(), name);
}

} // namespace posse
