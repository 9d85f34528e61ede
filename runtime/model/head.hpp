#pragma once

#include "messages/failure.hpp"

#include <cstdint>
#include <string_view>

namespace posse {

/// What a network's raw outputs mean. T is the number of targets a row has
/// (regression) or the number of classes.
enum class head_kind : std::uint8_t {
  point,           ///< T values; no likelihood
  gaussian,        ///< T means, then T raw variances
  gaussian_shared, ///< T means, then T times the log of one noise variance
  categorical,     ///< T logits
};

/// "point", "gaussian", "gaussian_shared" or "categorical".
std::string_view to_string(head_kind head) noexcept;

/// The head of that name, or errc::unknown_name.
expected<head_kind> parse_head(std::string_view name);

/// Both kinds whose outputs are the means and variances of Gaussians.
constexpr bool is_gaussian(head_kind head) noexcept {
  return head == head_kind::gaussian || head == head_kind::gaussian_shared;
}

/// Columns of the raw outputs [B, K] for `targets` targets or classes.
constexpr std::int64_t output_columns(head_kind head,
                                      std::int64_t targets) noexcept {
  return is_gaussian(head) ? 2 * targets : targets;
}

} // namespace posse
