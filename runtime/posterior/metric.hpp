#pragma once

#include <string>
#include <vector>

namespace posse {

/// One figure of an evaluation, under the name that result.json gives it.
struct metric {
  std::string name;
  double value{};

  friend bool operator==(const metric&, const metric&) = default;
};

/// Metrics in the order in which they are shown.
using metric_list = std::vector<metric>;

} // namespace posse
