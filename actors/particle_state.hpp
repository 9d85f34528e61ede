#pragma once

#include "actors/courier_interface.hpp"
#include "actors/driver_interface.hpp"
#include "actors/group_member.hpp"
#include "actors/local_messages.hpp"
#include "actors/outbox.hpp"
#include "actors/particle.hpp"
#include "actors/particle_directory.hpp"
#include "actors/particle_interface.hpp"
#include "actors/worker_device.hpp"
#include "runtime/compute/loss_average.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
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

/// What a failure calls a request that was held back.
inline std::string name_of(const receive_func_msg& x) {
  return "send \"" + x.msg + '"';
}
template <class Msg>
std::string name_of(const Msg&) {
  return "get";
}

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
  /// one of the address's handles. The answer is as on_device() says. Beyond
  /// the window the request is held back.
  template <class Ack, class Handle, class Msg, class Convert>
  auto ask(send_window& window, const particle_address& at, const Handle& to,
           Msg msg, Convert convert);
  /// The same here; `name` is what a failure calls it.
  template <class Ack, class Handle, class Msg, class Convert>
  auto ask_here(send_window& window, const char* name, Handle to, Msg msg,
                Convert convert);
  /// Asks the worker of a device for its part in a group's operation.
  template <class Ack, class Msg>
  response<Ack> ask_worker(const particle_address& at, Msg msg);
  /// The same of the particle's own device.
  template <class Ack, class Msg>
  response<Ack> ask_own_worker(Msg msg);
  /// What ask() does when the window is open.
  template <class Handle, class Msg, class OnAck, class OnError>
  void post(const particle_address& at, const Handle& to, Msg msg, OnAck on_ack,
            OnError on_error);
  void tell_progress(std::int64_t step, std::int64_t steps, double loss);
  void tell_learning(particle_id pid, std::int64_t step, std::int64_t steps,
                     double loss, std::optional<double> validation);
  const handler* find(std::string_view msg) const;
  std::vector<std::string> known_messages() const;

  self_ptr self_;
  particle_options options_;
  particle verbs_{*this};
  group_member group_{*this};
  directory_ptr directory_;
  bool paused_{false};
  std::size_t at_worker_{0}; ///< operations that the worker was asked for
  outbox outbox_;
  std::chrono::steady_clock::time_point last_report_;
  std::map<particle_id, loss_average> learning_; ///< a leader's: of all
  /// Registered at run time; a running coroutine may still use one that was
  /// replaced, so none is ever dropped.
  std::map<std::string, std::vector<std::unique_ptr<const handler>>,
           std::less<>>
      registered_;
  running_tasks tasks_; // last: its frames refer to all of the above
};

template <class Handle, class Msg, class OnAck, class OnError>
void particle_state::post(const particle_address& at, const Handle& to, Msg msg,
                          OnAck on_ack, OnError on_error) {
  if (at.node == *options_.node)
    self_->request(to, caf::infinite, std::move(msg))
        .then(std::move(on_ack), std::move(on_error));
  else
    self_
        ->request(options_.courier, caf::infinite,
                  parcel<Msg>{at.node,
                              caf::actor_cast<caf::strong_actor_ptr>(to),
                              std::move(msg)})
        .then(std::move(on_ack), std::move(on_error));
}

template <class Ack, class Handle, class Msg, class Convert>
auto particle_state::ask(send_window& window, const particle_address& at,
                         const Handle& to, Msg msg, Convert convert) {
  using answer =
      response<typename std::invoke_result_t<Convert, Ack>::value_type>;
  if (window.is_open()) [[likely]]
    return answer::template sent<Ack>(
        window,
        [&](auto on_ack, auto on_error) {
          post(at, to, std::move(msg), std::move(on_ack), std::move(on_error));
        },
        std::move(convert));
  auto name = name_of(msg);
  return answer::template held_back<Ack>(
      window, std::move(name),
      [this, at, to, msg = std::move(msg)](auto on_ack, auto on_error) mutable {
        post(at, to, std::move(msg), std::move(on_ack), std::move(on_error));
      },
      std::move(convert));
}

template <class Ack, class Handle, class Msg, class Convert>
auto particle_state::ask_here(send_window& window, const char* name, Handle to,
                              Msg msg, Convert convert) {
  using answer =
      response<typename std::invoke_result_t<Convert, Ack>::value_type>;
  return answer::template through<Ack>(
      window, name,
      [this, to = std::move(to), msg = std::move(msg)](auto on_ack,
                                                       auto on_error) mutable {
        self_->request(to, caf::infinite, std::move(msg))
            .then(std::move(on_ack), std::move(on_error));
      },
      std::move(convert));
}

template <class Ack, class Msg>
response<Ack> particle_state::ask_own_worker(Msg msg) {
  // Behind what the device was asked for before.
  return ask_here<Ack>(outbox_.to_device(), "an operation of a group",
                       options_.worker, std::move(msg),
                       [](Ack&& x) { return expected<Ack>{std::move(x)}; });
}

template <class Ack, class Msg>
response<Ack> particle_state::ask_worker(const particle_address& at, Msg msg) {
  if (at.worker == options_.worker)
    return ask_own_worker<Ack>(std::move(msg));
  return ask<Ack>(outbox_.to_group(), at, at.worker, std::move(msg),
                  [](Ack&& x) { return expected<Ack>{std::move(x)}; });
}

particle_actor::behavior_type spawn_particle(particle_state::self_ptr self,
                                             particle_options opts);

} // namespace posse
