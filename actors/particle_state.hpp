#pragma once

#include "actors/courier_interface.hpp"
#include "actors/driver_interface.hpp"
#include "actors/group_member.hpp"
#include "actors/particle.hpp"
#include "actors/particle_directory.hpp"
#include "actors/particle_interface.hpp"
#include "actors/worker_device.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace posse {

/// What a particle is started with.
struct particle_options {
  particle_id pid;
  std::shared_ptr<const std::string> node;   ///< shared by the node's particles
  std::shared_ptr<const std::string> device; ///< shared by the device's
  device_worker_actor worker;
  std::shared_ptr<worker_device> shared; ///< with the worker and its lanes
  driver_actor driver;                   ///< hears of progress; may be null
  courier_actor courier; ///< to other nodes; null if there are none
  std::shared_ptr<const behavior> acts;
  value_dict state;
};

/// A particle's actor: runs handlers and keeps what the behaviour keeps. Its
/// tensors are the device worker's; an idle particle costs a few KiB.
class particle_state {
public:
  using self_ptr = particle_actor::stateful_pointer<particle_state>;
  static inline const char* name = "particle";

  explicit particle_state(self_ptr self) : self_{self} {}
  particle_actor::behavior_type make_behavior(particle_options opts);

private:
  friend class particle;
  friend class group_member;

  template <class Ack>
  caf::result<Ack> run(const std::string& msg, const value& args);
  caf::result<receive_register_ack>
  register_handler(const receive_register_msg& req);
  /// Has the particle's device do what `msg` asks for.
  /// The answer is what `convert` makes of the ack, or the ack itself.
  template <class Msg, class Convert>
  auto on_device(Msg msg, Convert convert);
  template <class Msg>
  auto on_device(Msg msg);
  /// Asks an actor that lives where `at` says, here or on another node: `to` is
  /// one of the address's handles. The answer is as on_device() says.
  template <class Ack, class Handle, class Msg, class Convert>
  auto ask(const particle_address& at, const Handle& to, Msg msg,
           Convert convert);
  template <class Ack, class Handle, class Msg>
  response<Ack> ask(const particle_address& at, const Handle& to, Msg msg);
  const handler* find(std::string_view msg) const;
  std::vector<std::string> known_messages() const;

  self_ptr self_;
  particle_options options_;
  particle verbs_{*this};
  group_member group_{*this};
  directory_ptr directory_;
  bool paused_{false};
  std::size_t at_worker_{0}; ///< operations that the worker was asked for
  std::chrono::steady_clock::time_point last_report_;
  /// Registered at run time; a running coroutine may still use one that was
  /// replaced, so none is ever dropped.
  std::map<std::string, std::vector<std::unique_ptr<const handler>>,
           std::less<>>
      registered_;
  running_tasks tasks_; // last: its frames refer to all of the above
};

template <class Ack, class Handle, class Msg, class Convert>
auto particle_state::ask(const particle_address& at, const Handle& to, Msg msg,
                         Convert convert) {
  using result = typename std::invoke_result_t<Convert, Ack>::value_type;
  if (at.node == *options_.node)
    return response<result>::template from<Ack>(
        self_->request(to, caf::infinite, std::move(msg)), std::move(convert));
  return response<result>::template from<Ack>(
      self_->request(options_.courier, caf::infinite,
                     parcel<Msg>{at.node,
                                 caf::actor_cast<caf::strong_actor_ptr>(to),
                                 std::move(msg)}),
      std::move(convert));
}

template <class Ack, class Handle, class Msg>
response<Ack> particle_state::ask(const particle_address& at, const Handle& to,
                                  Msg msg) {
  return ask<Ack>(at, to, std::move(msg),
                  [](Ack&& x) { return expected<Ack>{std::move(x)}; });
}

particle_actor::behavior_type spawn_particle(particle_state::self_ptr self,
                                             particle_options opts);

} // namespace posse
