#include "apps/posse/node_command.hpp"

#include "actors/node_daemon.hpp"
#include "apps/posse/background.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/interrupt.hpp"
#include "runtime/config/load_cluster.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/device_info.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <variant>

namespace posse {

namespace {

struct arguments {
  std::filesystem::path config;
  std::string name;
  bool detach{false};
  std::filesystem::path log;
};

constexpr std::chrono::milliseconds tick{20};
// A daemon that cannot end its actors in time ends without them.
constexpr std::chrono::milliseconds grace{4500};

/// Ends the process after the grace time, unless it has ended by then.
void start_watchdog() {
  std::thread{[] {
    std::this_thread::sleep_for(grace);
    _exit(exit_done);
  }}.detach();
}

expected<void> check_devices(const cluster_config& cluster,
                             const std::string& name) {
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i)
    if (cluster.nodes[i].name == name)
      for (const auto& device : cluster.nodes[i].resources.devices) {
        auto id = parse_device(device.name);
        auto there =
            id ? check_device(*id) : expected<void>{fail(std::move(id))};
        if (!there)
          return fail(there.error().code,
                      cluster.origins.where(node_section(i) + ".devices") + ": "
                          + there.error().message);
      }
  return {};
}

/// @param waiting Who waits until the daemon is ready; nullptr: nobody.
int serve(const arguments& given, foreground* waiting) {
  auto cluster = load_cluster(given.config);
  if (!cluster)
    return complain(cluster.error(), exit_wrong_input);
  prepare_compute_thread();
  if (auto there = check_devices(*cluster, given.name); !there)
    return complain(there.error(), exit_wrong_input);
  const interrupt_guard guard;
  auto daemon = node_daemon::start(*cluster, given.name);
  if (!daemon)
    return complain(daemon.error(), exit_wrong_input);
  const auto ready =
      fmt::format("ready node={} port={}", given.name, (*daemon)->port());
  if (waiting != nullptr) {
    if (auto left = std::move(*waiting).leave(ready, given.log); !left)
      return complain(left.error(), exit_wrong_input);
  } else {
    fmt::print("{}\n", ready);
    std::fflush(stdout);
  }
  while (!guard.requested() && !(*daemon)->wait_for_stop(tick)) {
  }
  start_watchdog();
  daemon->reset();
  return exit_done;
}

int start(const arguments& given) {
  if (!given.detach)
    return serve(given, nullptr);
  auto side = foreground::split();
  if (const auto* code = std::get_if<int>(&side))
    return *code;
  return serve(given, &std::get<foreground>(side));
}

int stop(const arguments& given) {
  auto cluster = load_cluster(given.config);
  if (!cluster)
    return complain(cluster.error(), exit_wrong_input);
  if (auto done = stop_node(*cluster, given.name); !done)
    return complain(done.error(), exit_wrong_input);
  fmt::print("stopped node={}\n", given.name);
  return exit_done;
}

void add(CLI::App& parent, const std::string& name, const std::string& what,
         int (*action)(const arguments&), int& exit_code,
         void (*add_more)(CLI::App&, arguments&) = nullptr) {
  auto given = std::make_shared<arguments>();
  auto* command = parent.add_subcommand(name, what);
  command
      ->add_option("--config", given->config,
                   "File with [cluster] and one [[node]] per machine (TOML)")
      ->required();
  command->add_option("--name", given->name, "Which of the nodes")->required();
  if (add_more != nullptr)
    add_more(*command, *given);
  command->footer("Example:\n  posse node " + name
                  + " --config apps/examples/cluster.toml --name a");
  command->callback(
      [given, action, &exit_code] { exit_code = action(*given); });
}

void add_start_options(CLI::App& command, arguments& given) {
  auto* detach = command.add_flag(
      "--detach", given.detach,
      "Return once it is ready and leave it in the background");
  command
      .add_option("--log", given.log,
                  "With --detach: file to append its output to, else lost")
      ->needs(detach);
}

} // namespace

int run_node(const std::string& config, const std::string& name) {
  return start({config, name, {}, {}});
}

void add_node_command(CLI::App& app, int& exit_code) {
  auto* node = app.add_subcommand("node", "Daemons that runs can use");
  node->require_subcommand(1);
  node->footer("Example:\n  posse node start --config "
               "apps/examples/cluster.toml --name a");
  add(*node, "start", "Serve runs until stopped (SIGTERM, or posse node stop)",
      start, exit_code, add_start_options);
  add(*node, "stop", "Have the daemon of a node end", stop, exit_code);
}

} // namespace posse
