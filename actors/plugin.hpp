#pragma once

#include "actors/behavior.hpp"
#include "actors/plugin_abi.hpp"
#include "messages/failure.hpp"
#include "runtime/compute/group_rules.hpp"
#include "runtime/model/loss.hpp"
#include "runtime/model/network.hpp"
#include "runtime/model/optimizer.hpp"
#include "runtime/model/schedule.hpp"

#include <string>
#include <utility>
#include <vector>

/// Code of a user's own, which a run loads because its config names the file:
/// `plugins = ["libgossip.so"]`. docs/plugins.md shows how one is built.
///
///     POSSE_PLUGIN("gossip", posse::plugin_parts& parts) {
///       parts.add_behavior("gossip", gossip());
///     }
namespace posse {

/// What a plugin brings, by the names that a config may use from then on. They
/// are kept here until all is known, so that a plugin is there as a whole or
/// not at all.
class plugin_parts {
public:
  void add_model(std::string name, network_factory factory) {
    models_.emplace_back(std::move(name), std::move(factory));
  }
  void add_loss(std::string name, loss_entry entry) {
    losses_.emplace_back(std::move(name), std::move(entry));
  }
  void add_optimizer(std::string name, optimizer_factory factory) {
    optimizers_.emplace_back(std::move(name), std::move(factory));
  }
  void add_schedule(std::string name, schedule_fn function) {
    schedules_.emplace_back(std::move(name), function);
  }
  /// A rule for particle::update_group().
  void add_group_rule(std::string name, group_rule rule) {
    rules_.emplace_back(std::move(name), std::move(rule));
  }
  /// A behaviour is an algorithm of the config.
  void add_behavior(std::string name, behavior acts) {
    behaviors_.emplace_back(std::move(name), std::move(acts));
  }

  /// Adds all of them to the process's registries, before the first run: the
  /// loader does it for a plugin, a program may do it for parts of its own.
  ///
  /// @returns errc::invalid_argument for the first name that is taken; then
  ///   none of them was added.
  expected<void> enlist() &&;

private:
  template <class T>
  using named = std::vector<std::pair<std::string, T>>;

  named<network_factory> models_;
  named<loss_entry> losses_;
  named<optimizer_factory> optimizers_;
  named<schedule_fn> schedules_;
  named<group_rule> rules_;
  named<behavior> behaviors_;
};

} // namespace posse

extern "C" {
[[gnu::visibility("default")]] extern const char posse_plugin_abi[];
[[gnu::visibility("default")]] extern const char posse_plugin_name[];
[[gnu::visibility("default")]] void
posse_plugin_init(posse::plugin_parts& parts);
}

/// Makes a shared library a plugin; once in it, followed by the body of a
/// function that adds its parts and may throw.
///
/// @param name A literal; no other plugin of a process may have it.
/// @param ... The function's parameter, a `posse::plugin_parts&`.
#define POSSE_PLUGIN(name, ...)                                                \
  const char posse_plugin_abi[] = POSSE_PLUGIN_ABI;                            \
  const char posse_plugin_name[] = name;                                       \
  void posse_plugin_init(__VA_ARGS__)
