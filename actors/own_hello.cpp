#include "actors/own_hello.hpp"

#include "messages/version.hpp"
#include "runtime/core/guarded.hpp"

#include <ATen/Version.h>
#include <caf/config.hpp>
#include <torch/version.h>

#include <random>

namespace posse {

expected<hello> own_hello(const cluster_config& cluster, std::string node) {
  return guarded("hello", [&] {
    hello out;
    out.build = build_name(version, TORCH_VERSION, std::to_string(CAF_VERSION));
    out.cpu = at::get_cpu_capability();
    out.cluster = cluster_hash(cluster);
    out.node = std::move(node);
    out.secret = cluster.cluster.secret;
    std::random_device entropy;
    out.incarnation = std::uint64_t{entropy()} << 32 | entropy();
    return out;
  });
}

} // namespace posse
