#include "apps/posse/bench/bench_nodes.hpp"

#include "apps/posse/bench/particles.hpp"
#include "apps/posse/node_command.hpp"
#include "runtime/config/load_cluster.hpp"
#include "runtime/core/atomic_file.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace posse::bench {

namespace {

/// A port of the loopback interface that nobody listens at now; 0: none.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  std::uint16_t port = 0;
  if (::bind(probe, address, size) == 0
      && ::getsockname(probe, address, &size) == 0)
    port = ntohs(at.sin_port);
  ::close(probe);
  return port;
}

} // namespace

expected<std::shared_ptr<const bench_nodes>>
bench_nodes::start(std::size_t count, std::int64_t lanes, bool by_network) {
  std::shared_ptr<bench_nodes> out{new bench_nodes};
  auto folder = scratch_folder::make();
  if (!folder)
    return fail(std::move(folder));
  out->folder_ = std::move(*folder);
  const auto file = out->folder_->path() / "cluster.toml";
  std::string text = fmt::format(
      "[cluster]\nname = \"bench\"\nshared_memory = {}\n", !by_network);
  for (std::size_t i = 0; i < count; ++i)
    text += fmt::format(
        "[[node]]\nname = \"n{}\"\nport = {}\ndevices = [\"cpu:0\"]\n"
        "lanes = {}\n",
        i, free_port(), lanes);
  if (auto written = write_file_atomically(file, text); !written)
    return fail(std::move(written));
  auto cluster = load_cluster(file);
  if (!cluster)
    return fail(std::move(cluster));
  out->cluster_ = std::move(*cluster);
  for (const auto& node : out->cluster_.nodes) {
    auto process = child_program::start_posse(
        {"bench", "node", "--config", file.string(), "--name", node.name});
    if (!process)
      return fail(std::move(process));
    out->processes_.push_back(std::move(*process));
  }
  return out;
}

int run_bench_node(const std::string& config, const std::string& name) {
  add_bench_behavior();
  return run_node(config, name);
}

} // namespace posse::bench
