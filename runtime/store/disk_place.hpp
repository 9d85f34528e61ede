#pragma once

#include <cstdint>

namespace posse {

/// Where one row lies in a spill_file.
struct disk_place {
  std::int64_t offset{0};
  std::int64_t bytes{0};
};

} // namespace posse
