#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace posse {

/// The points whose confidence (highest probability) falls into one bin.
struct reliability_bin {
  std::int64_t count{};
  double accuracy{};   ///< share of them that is right; 0 if there are none
  double confidence{}; ///< their average confidence; 0 if there are none

  friend bool operator==(const reliability_bin&,
                         const reliability_bin&) = default;
};

/// Bins of equal width; bin k of n holds k/n < confidence <= (k+1)/n (Guo et
/// al., ICML 2017, section 2).
/// @param confidence [B] float64, in [0, 1] but for rounding.
/// @param right [B] bool.
/// @param bins > 0.
std::vector<reliability_bin> bins_of_equal_width(const at::Tensor& confidence,
                                                 const at::Tensor& right,
                                                 std::int64_t bins);

/// Bins of equal mass, from the least to the most confident (Nguyen and
/// O'Connor, EMNLP 2015, section 4.1). In ascending order of confidence bin k
/// of n ends before place floor((k + 1) B / n): a remainder is spread, so that
/// counts differ by one at most, and of fewer points than bins some are empty.
/// Points that are equally confident share the bin of the first of them, so
/// that the rows' order does not matter: with ties counts may differ by more.
/// Shapes as above.
std::vector<reliability_bin> bins_of_equal_mass(const at::Tensor& confidence,
                                                const at::Tensor& right,
                                                std::int64_t bins);

/// The bins' |accuracy - confidence|, weighted by their counts (Guo et al.,
/// eq. 3): in [0, 1]. 0 of no points.
double expected_calibration_error(const std::vector<reliability_bin>& bins);

/// The largest of these gaps (Guo et al., eq. 5).
double max_calibration_error(const std::vector<reliability_bin>& bins);

} // namespace posse
