#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace posse {

/// One entry of `devices`: "cpu:0" or { name = "cpu:0", bytes = "4GiB" }.
struct device_entry {
  std::string name = "cpu:0"; ///< cpu:K | cuda:K | sim:K, K in [0, 1023]
  std::int64_t bytes = 0;     ///< that particles may use; 0: no budget

  friend bool operator==(const device_entry&, const device_entry&) = default;
};

/// [local], and what a [[node]] says of its machine: where particles run and
/// how many are kept there.
struct local_section {
  std::vector<device_entry> devices{device_entry{}}; ///< each name once
  std::int64_t lanes = 0;      ///< per CPU device; 0: cores / CPU devices
  std::int64_t cache_size = 0; ///< particles resident per device; 0: all fit
  std::string cache_policy = "auto"; ///< auto | direct | lru | order
  std::int64_t view_size = 0;        ///< views held per device; 0: all fit
  bool prefetch = true; ///< move particles while others compute: accelerators
  /// Of host memory, that a device's particles without a slot may use; 0: no
  /// limit.
  std::int64_t host_bytes = 0;
  /// On disk, for those that host memory has no room for; 0: none.
  std::int64_t disk_bytes = 0;
  std::filesystem::path disk_path = "/var/tmp"; ///< the folder

  friend bool operator==(const local_section&, const local_section&) = default;
};

} // namespace posse
