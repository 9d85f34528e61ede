#include "runtime/config/cluster_config.hpp"

#include "runtime/config/cluster_schema.hpp"
#include "runtime/config/schema_text.hpp"
#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <span>

namespace posse {

namespace {

/// `SECTION.KEY = VALUE` of each key, in the order of the alphabet.
template <class Owner>
void hash_keys(sha256& hash, const std::string& section, const Owner& owner,
               std::span<const bound_key<Owner>> keys) {
  std::vector<std::string> lines;
  for (const auto& key : keys)
    if (auto x = key.get(owner); x && key.kind != value_kind::secret)
      lines.push_back(section + '.' + std::string{key.name} + " = "
                      + toml_text(key, *x) + '\n');
  std::sort(lines.begin(), lines.end());
  for (const auto& line : lines)
    hash.update(line);
}

} // namespace

const node_entry* cluster_config::find_node(std::string_view name) const {
  auto found = std::find_if(nodes.begin(), nodes.end(),
                            [name](const auto& n) { return n.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

std::string node_section(std::size_t index) {
  return "node[" + std::to_string(index) + ']';
}

std::string cluster_hash(const cluster_config& config) {
  sha256 hash;
  hash_keys(hash, "cluster", config.cluster, cluster_keys());
  for (std::size_t i = 0; i < config.nodes.size(); ++i)
    hash_keys(hash, node_section(i), config.nodes[i], node_keys());
  return hash.hex();
}

} // namespace posse
