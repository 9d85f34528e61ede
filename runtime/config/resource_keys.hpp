#pragma once

#include "runtime/config/bind_key.hpp"
#include "runtime/config/local_section.hpp"

#include <string_view>
#include <vector>

namespace posse {

/// The rows of a schema for what a machine offers: those of [local] and, with
/// the same words and ranges, of [[node]].
///
/// @tparam Resources The member that holds them, such as &run_config::local.
template <auto Resources>
auto resource_keys(std::string_view section) {
  using local = local_section;
  constexpr double most_lanes = 1024;
  return std::vector{
      bind_key<Resources, &local::devices>(
          {.section = section,
           .name = "devices",
           .doc = "where particles run: \"cpu:0\", \"cuda:0\", or with a "
                  "budget { name = \"cpu:0\", bytes = \"4GiB\" }",
           .free_on_resume = true}),
      bind_key<Resources, &local::lanes>(
          {.section = section,
           .name = "lanes",
           .range = number_range::between(0, most_lanes),
           .doc = "particles computed at once on a CPU device; 0: cores / CPU "
                  "devices",
           .free_on_resume = true}),
      bind_key<Resources, &local::cache_size>(
          {.section = section,
           .name = "cache_size",
           .range = number_range::between(0, most_particles),
           .doc = "particles resident on a device; 0: as many as fit",
           .free_on_resume = true}),
      bind_key<Resources, &local::cache_policy>(
          {.section = section,
           .name = "cache_policy",
           .choices = {"auto", "direct", "lru", "order"},
           .doc = "which particle makes room for another",
           .free_on_resume = true}),
      bind_key<Resources, &local::view_size>(
          {.section = section,
           .name = "view_size",
           .range = number_range::between(0, most_particles),
           .doc = "views of particles held on a device; 0: as many as fit",
           .free_on_resume = true}),
      bind_key<Resources, &local::prefetch>(
          {.section = section,
           .name = "prefetch",
           .doc = "whether particles move to and from an accelerator while "
                  "others compute there",
           .free_on_resume = true}),
      bind_key<Resources, &local::host_bytes>(
          {.section = section,
           .name = "host_bytes",
           .kind = value_kind::byte_size,
           .doc = "host memory for a device's particles that have no slot; 0: "
                  "no limit",
           .free_on_resume = true}),
      bind_key<Resources, &local::disk_bytes>(
          {.section = section,
           .name = "disk_bytes",
           .kind = value_kind::byte_size,
           .doc = "room on disk for those that host memory has no room for",
           .free_on_resume = true}),
      bind_key<Resources, &local::disk_path>(
          {.section = section,
           .name = "disk_path",
           .doc = "the folder where they lie, in a file that ends with the run",
           .free_on_resume = true}),
  };
}

} // namespace posse
