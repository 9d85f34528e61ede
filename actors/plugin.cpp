#include "actors/plugin.hpp"

#include <set>

namespace posse {

namespace {

/// Whether `known` has none of the names, and no two of them are alike.
template <class T, class Named>
expected<void> check_new(const registry<T>& known, const char* noun,
                         const Named& parts) {
  std::set<std::string_view> seen;
  for (const auto& [name, part] : parts)
    if (known.find(name) || !seen.insert(name).second)
      return fail(errc::invalid_argument,
                  std::string{"expected names of its own, got "} + noun + " \""
                      + name + "\", which is there already");
  return {};
}

/// Adds what check_new() has let pass.
template <class Named, class Add>
void add_all(Named& parts, Add add) {
  for (auto& [name, part] : parts)
    (void)add(std::move(name), std::move(part));
}

} // namespace

expected<void> plugin_parts::enlist() && {
  for (const auto& ok : {check_new(networks(), "model", models_),
                         check_new(losses(), "loss", losses_),
                         check_new(optimizers(), "optimizer", optimizers_),
                         check_new(schedules(), "schedule", schedules_),
                         check_new(group_rules(), "group rule", rules_),
                         check_new(behaviors(), "behaviour", behaviors_)})
    if (!ok)
      return ok;
  add_all(models_, add_network);
  add_all(losses_, posse::add_loss);
  add_all(optimizers_, posse::add_optimizer);
  add_all(schedules_, posse::add_schedule);
  add_all(rules_, [](std::string name, group_rule rule) {
    return group_rules().add(std::move(name), std::move(rule));
  });
  add_all(behaviors_, [](std::string name, behavior acts) {
    return behaviors().add(std::move(name), std::move(acts));
  });
  return {};
}

} // namespace posse
