#include "runtime/posterior/bandwidth_rule.hpp"

#include <charconv>
#include <cmath>
#include <string>

namespace posse {

expected<bandwidth_rule> parse_bandwidth_rule(std::string_view text) {
  if (text == "median")
    return median_pairs_bandwidth{};
  if (text == "median_all")
    return median_all_bandwidth{};
  double h = 0;
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, h);
  if (error != std::errc{} || rest != end || !std::isnormal(h) || h < 0)
    return fail(errc::invalid_argument,
                "bandwidth: expected median, median_all or a number > 0, got \""
                    + std::string{text} + "\"");
  return fixed_bandwidth{h};
}

} // namespace posse
