#include "runtime/posterior/shift_detection.hpp"

#include "runtime/posterior/auroc.hpp"

#include <initializer_list>
#include <utility>

namespace posse {

namespace {

struct scored {
  const char* name;
  const at::Tensor& own;
  const at::Tensor& shifted;
};

expected<metric_list> all_areas(std::initializer_list<scored> scores) {
  metric_list result;
  for (const auto& score : scores) {
    auto area = auroc(score.own, score.shifted);
    if (!area)
      return fail(std::move(area));
    result.push_back({score.name, *area});
  }
  return result;
}

} // namespace

expected<metric_list> detect_shift(const classification_predictive& own,
                                   const classification_predictive& shifted,
                                   bool several) {
  const scored entropy{"entropy", own.entropy, shifted.entropy};
  if (!several)
    return all_areas({entropy});
  return all_areas({entropy,
                    {"mutual_information", own.mutual_information,
                     shifted.mutual_information}});
}

expected<metric_list> detect_shift(const regression_predictive& own,
                                   const regression_predictive& shifted,
                                   bool several) {
  if (own.gaussian.has_value() != shifted.gaussian.has_value())
    return fail(errc::invalid_argument,
                "shift: expected predictives of the same networks: one has "
                "variances, the other none");
  const scored epistemic{"epistemic_std", own.epistemic_variance,
                         shifted.epistemic_variance};
  if (!own.gaussian)
    return several ? all_areas({epistemic}) : metric_list{};
  const scored total{"std", own.gaussian->variance, shifted.gaussian->variance};
  return several ? all_areas({total, epistemic}) : all_areas({total});
}

} // namespace posse
