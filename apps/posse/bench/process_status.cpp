#include "apps/posse/bench/process_status.hpp"

#include <fstream>
#include <string>

namespace posse::bench {

std::int64_t status_bytes(std::string_view field) {
  std::ifstream status{"/proc/self/status"};
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with(field))
      return std::stoll(line.substr(field.size() + 1)) * 1024;
  return 0;
}

} // namespace posse::bench
