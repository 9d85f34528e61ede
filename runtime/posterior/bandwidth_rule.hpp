#pragma once

#include "messages/failure.hpp"

#include <string_view>
#include <variant>

namespace posse {

/// The bandwidth is given.
struct fixed_bandwidth {
  double h{1.0}; ///< > 0, in squared units of the parameters.
};

/// h = m^2 / log N, m the median distance of the N (N - 1) / 2 distinct pairs:
/// the rule of Liu & Wang (NeurIPS 2016, section 5).
struct median_pairs_bandwidth {};

/// h = the median of all N^2 squared distances, the N zeros of the diagonal
/// included, over log(N + 1): the rule of that paper's published program.
struct median_all_bandwidth {};

/// How the bandwidth h of the kernel exp(-|x - y|^2 / h) is chosen. A length
/// scale l, as in exp(-|x - y|^2 / (2 l^2)), is h = 2 l^2.
using bandwidth_rule =
    std::variant<median_pairs_bandwidth, median_all_bandwidth, fixed_bandwidth>;

/// Reads "median" (of the pairs), "median_all" or a number > 0, which is h.
/// @returns errc::invalid_argument for anything else.
expected<bandwidth_rule> parse_bandwidth_rule(std::string_view text);

} // namespace posse
