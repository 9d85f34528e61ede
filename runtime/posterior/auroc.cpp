#include "runtime/posterior/auroc.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>

#include <cstdint>
#include <tuple>

namespace posse {

namespace {

at::Tensor sorted(const at::Tensor& x) {
  return std::get<0>(x.sort());
}

} // namespace

expected<double> auroc(const at::Tensor& negatives,
                       const at::Tensor& positives) {
  return guarded("AUROC", [&]() -> expected<double> {
    auto checked_negatives = checked_real("negatives", negatives, {-1});
    if (!checked_negatives)
      return fail(std::move(checked_negatives));
    auto checked_positives = checked_real("positives", positives, {-1});
    if (!checked_positives)
      return fail(std::move(checked_positives));
    auto low = sorted(*checked_negatives);
    auto high = sorted(*checked_positives);
    const auto* below = low.const_data_ptr<double>();
    const auto* scores = high.const_data_ptr<double>();
    const auto n = low.size(0);
    const auto p = high.size(0);
    // How many negatives are below a positive, and how many not above it: both
    // only grow along the sorted positives. Their sum counts won pairs twice
    // and tied ones once.
    std::int64_t lower = 0;
    std::int64_t not_above = 0;
    std::int64_t halves = 0;
    for (std::int64_t i = 0; i < p; ++i) {
      while (lower < n && below[lower] < scores[i])
        ++lower;
      while (not_above < n && below[not_above] <= scores[i])
        ++not_above;
      halves += lower + not_above;
    }
    return static_cast<double>(halves)
           / (2 * static_cast<double>(n) * static_cast<double>(p));
  });
}

} // namespace posse
