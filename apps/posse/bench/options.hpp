#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace posse::bench {

/// What one sub-command is to measure; checked by the command line's parser.
struct options {
  std::vector<std::string> models;
  std::vector<std::int64_t> particles; ///< > 0
  std::vector<std::int64_t> lanes;     ///< > 0; a row of posse for each
  std::vector<std::int64_t> nodes{};   ///< > 0; a row on so many daemons each
  /// Whether nodes talk as if they were on different machines.
  bool by_network{false};
  std::size_t repetitions{20}; ///< > 0
  std::string peers{};         ///< a command (peers.hpp); empty: none
  std::string json{};          ///< file; empty: none
  std::string plot{};          ///< file; empty: none
};

} // namespace posse::bench
