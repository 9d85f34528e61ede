#pragma once

#include "runtime/config/cluster_config.hpp"
#include "runtime/config/schema.hpp"

#include <span>

/// What [cluster] and [[node]] may say: the counterpart of config_schema().
namespace posse {

inline constexpr config_section cluster_section_text{
    "cluster", "what all nodes have in common"};
inline constexpr config_section node_section_text{"node",
                                                  "one machine, and its name"};

/// The keys of [cluster], in the order in which they are printed.
std::span<const bound_key<cluster_section>> cluster_keys();

/// The keys of a [[node]], in the order in which they are printed.
std::span<const bound_key<node_entry>> node_keys();

} // namespace posse
