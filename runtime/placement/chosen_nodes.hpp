#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Whether a run with `run.nodes = chosen` takes the node `name`: without a
/// choice it takes all.
inline bool takes_node(const std::vector<std::string>& chosen,
                       std::string_view name) {
  return chosen.empty() || std::ranges::find(chosen, name) != chosen.end();
}

} // namespace posse
