#include "actors/particle_state.hpp"

#include "messages/caf_errors.hpp"
#include "runtime/core/nearest_name.hpp"

#include <caf/all.hpp>

namespace posse {

particle_actor::behavior_type
particle_state::make_behavior(particle_options opts) {
  options_ = std::move(opts);
  return {
      [this](const receive_func_pd_msg& req) {
        return run<receive_func_pd_ack>(req.msg, req.args);
      },
      [this](const receive_func_msg& req) {
        return run<receive_func_ack>(req.msg, req.args);
      },
      [this](const receive_register_msg& req) { return register_handler(req); },
      [this](const pause_msg& req) {
        paused_ = req.on;
        return pause_ack{};
      },
      [this](const directory_update& update) { directory_ = update.directory; },
  };
}

template <class Ack>
caf::result<Ack> particle_state::run(const std::string& msg,
                                     const value& args) {
  const auto* h = find(msg);
  if (h == nullptr) {
    const auto known = known_messages();
    return to_error(
        {errc::unknown_message, "particle " + to_string(options_.pid)
                                    + ": no handler for \"" + msg + "\""
                                    + nearest_hint(msg, known)
                                    + "; known: " + list_names(known)});
  }
  const handler_scope scope{&outbox_, outbox_.next_handler()};
  return tasks_.answer<Ack>(
      self_, (*h)(verbs_, args),
      [this, msg](expected<value> result) -> expected<Ack> {
        auto unsent = outbox_.take_dropped();
        if (unsent && result)
          result = tl::unexpected{std::move(*unsent)};
        if (result)
          return Ack{std::move(*result)};
        auto why = std::move(result.error());
        // Failures of computation name the particle already, and a lost node is
        // the same news whoever waited for it.
        if (why.code != errc::node_lost
            && !why.message.starts_with("particle "))
          why.message = "particle " + to_string(options_.pid) + " on "
                        + *options_.device + ": " + msg + ": " + why.message;
        return tl::unexpected{std::move(why)};
      });
}

caf::result<receive_register_ack>
particle_state::register_handler(const receive_register_msg& req) {
  auto found = find_handler(req.handler);
  if (!found)
    return to_error(found.error());
  auto state = req.state.get_if<value_dict>();
  verbs_.register_receive(req.msg, std::move(*found),
                          state == nullptr ? value_dict{} : *state);
  return receive_register_ack{options_.pid};
}

const handler* particle_state::find(std::string_view msg) const {
  if (auto i = registered_.find(msg); i != registered_.end())
    return i->second.back().get();
  const auto& known = options_.acts->handlers;
  if (auto i = known.find(msg); i != known.end())
    return &i->second;
  const auto& everyones = group_member::handlers();
  auto i = everyones.find(msg);
  return i == everyones.end() ? nullptr : &i->second;
}

std::vector<std::string> particle_state::known_messages() const {
  std::vector<std::string> names;
  for (const auto& [msg, unused] : options_.acts->handlers)
    names.push_back(msg);
  for (const auto& [msg, unused] : registered_)
    if (!options_.acts->handlers.contains(msg))
      names.push_back(msg);
  return names;
}

particle_actor::behavior_type spawn_particle(particle_state::self_ptr self,
                                             particle_options opts) {
  return self->state.make_behavior(std::move(opts));
}

} // namespace posse
