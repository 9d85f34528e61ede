#include "actors/node_gate.hpp"

#include "messages/caf_errors.hpp"

#include <caf/all.hpp>

#include <chrono>

namespace posse {

namespace {

// How long a run's actors may take to end before they are left to themselves.
constexpr std::chrono::seconds cleanup_patience{4};

} // namespace

node_gate_actor::behavior_type
node_gate_state::make_behavior(node_gate_options opts) {
  options_ = std::move(opts);
  self_->set_down_handler([this](caf::down_msg& down) { gone(down.source); });
  self_->set_exit_handler(
      [this](caf::exit_msg& told) { end(std::move(told.reason)); });
  return {
      [this](const attach_msg& req) { return attach(req); },
      [this](const node_stop_msg& req) { return stop(req); },
  };
}

caf::result<attach_ack> node_gate_state::attach(const attach_msg& req) {
  if (auto fits = check_hello(options_.self, req.from); !fits)
    return to_error(fits.error());
  if (!req.alive)
    return to_error({errc::refused, "hello: the driver has no address"});
  if (ending_)
    return to_error(
        {errc::refused, "node " + options_.self.node + " is ending"});
  if (!guest_)
    return let_in(req);
  if (guest_->leaving && !next_) {
    next_.emplace(next_guest{req, self_->make_response_promise<attach_ack>()});
    return next_->promise;
  }
  return to_error({errc::refused, "node " + options_.self.node
                                      + " is in use by " + guest_->driver});
}

attach_ack node_gate_state::let_in(const attach_msg& req) {
  auto node = self_->spawn<caf::monitored>(
      node_event_loop, options_.node, caf::actor_cast<driver_actor>(req.alive));
  self_->monitor(req.alive);
  guest_.emplace(
      guest{req.driver, caf::actor_cast<caf::actor_addr>(req.alive), node});
  return {options_.self.incarnation,
          caf::actor_cast<caf::strong_actor_ptr>(node)};
}

caf::result<node_stop_ack> node_gate_state::stop(const node_stop_msg& req) {
  if (auto fits = check_hello(options_.self, req.from); !fits)
    return to_error(fits.error());
  options_.stop();
  return node_stop_ack{options_.self.node};
}

void node_gate_state::gone(const caf::actor_addr& who) {
  if (!guest_)
    return;
  if (who == guest_->alive && !guest_->leaving)
    return clear_up();
  if (who != guest_->node.address())
    return;
  self_->demonitor(guest_->alive);
  guest_.reset();
  if (ending_)
    return self_->quit(*ending_); // who waits in next_ gets a broken promise
  if (!next_)
    return;
  auto next = std::move(*next_);
  next_.reset();
  next.promise.deliver(let_in(next.request));
}

void node_gate_state::clear_up() {
  guest_->leaving = true;
  auto end = [this, node = guest_->node] {
    self_->send_exit(node, caf::exit_reason::user_shutdown);
  };
  self_->request(guest_->node, cleanup_patience, node_evt_loop_cleanup_msg{})
      .then([end](const node_evt_loop_cleanup_ack&) { end(); },
            [end](const caf::error&) { end(); });
}

void node_gate_state::end(caf::error reason) {
  ending_ = std::move(reason);
  if (!guest_)
    self_->quit(*ending_);
  else if (!guest_->leaving)
    clear_up();
}

node_gate_actor::behavior_type node_gate(node_gate_state::self_ptr self,
                                         node_gate_options opts) {
  return self->state.make_behavior(std::move(opts));
}

} // namespace posse
