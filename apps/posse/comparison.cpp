#include "apps/posse/comparison.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/predictive_distance.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace posse {

namespace {

/// The mixture at each row, as the arithmetic on mixtures takes it.
class mixtures {
public:
  explicit mixtures(const regression_members& members)
      : members_{members.means.size(0)}, means_{members.means.t().contiguous()},
        deviations_{members.variances->sqrt().t().contiguous()} {}

  gaussian_mixture at_row(std::int64_t row) const {
    const auto count = static_cast<std::size_t>(members_);
    return {{means_.const_data_ptr<double>() + row * members_, count},
            {deviations_.const_data_ptr<double>() + row * members_, count}};
  }

private:
  std::int64_t members_;
  at::Tensor means_; ///< [rows, members]
  at::Tensor deviations_;
};

expected<metric_list> distance(const regression_answer& x,
                               const regression_answer& reference) {
  if (!x.predictive.gaussian || !reference.predictive.gaussian)
    return fail(errc::invalid_argument,
                "expected predictions with variances, got those of the head "
                "\"point\"");
  const auto rows = x.members.means.size(1);
  if (reference.members.means.size(1) != rows)
    return fail(errc::invalid_argument,
                "expected as many test rows as the reference has, "
                    + std::to_string(reference.members.means.size(1)) + ", got "
                    + std::to_string(rows));
  const mixtures own{x.members};
  const mixtures other{reference.members};
  double sum = 0;
  for (std::int64_t row = 0; row < rows; ++row)
    sum += total_variation(own.at_row(row), other.at_row(row));
  const auto& wide = reference.predictive.gaussian->variance;
  const auto apart = (x.predictive.mean - reference.predictive.mean).square();
  const auto ratio = x.predictive.gaussian->variance / wide;
  return metric_list{
      {"total_variation", sum / static_cast<double>(rows)},
      {"mean_difference", (apart / wide).mean().sqrt().item<double>()},
      {"std_ratio", (ratio.log().mean() / 2).exp().item<double>()}};
}

expected<metric_list> distance(const classification_answer& x,
                               const classification_answer& reference) {
  const auto& p = x.predictive.probabilities;
  const auto& q = reference.predictive.probabilities;
  if (p.sizes() != q.sizes())
    return fail(errc::invalid_argument,
                "expected the rows and classes of the reference, got others");
  const auto found = distance_of_classes(p, q);
  return metric_list{{"agreement", found.agreement},
                     {"total_variation", found.total_variation}};
}

template <class Answer, class Reference>
expected<metric_list> distance(const Answer&, const Reference&) {
  return fail(
      errc::invalid_argument,
      "expected two regressions or two classifications, got one of each");
}

} // namespace

expected<metric_list> compare(const posterior_answer& answer,
                              const posterior_answer& reference) {
  return guarded("comparison", [&] {
    return std::visit(
        [](const auto& x, const auto& y) { return distance(x, y); }, answer,
        reference);
  });
}

} // namespace posse
