#include "actors/courier.hpp"

#include "actors/node_loss.hpp"
#include "actors/view_message.hpp"
#include "messages/caf_errors.hpp"
#include "messages/transfer/payload_codec.hpp"
#include "messages/transfer/payload_mapping.hpp"
#include "messages/type_ids.hpp"
#include "messages/value_walk.hpp"

#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <utility>
#include <vector>

namespace posse {

namespace {

// Below this, one message costs less than a transfer and delays nobody.
constexpr std::size_t inline_bytes = std::size_t{64} << 10;

// A question about more requests than this is asked in parts, at later ticks.
constexpr std::size_t questions_at_once = 10'000;

/// The encoded size of a message's values; 0 if it has none.
template <class Msg>
std::size_t size_of_values(Msg& x) {
  std::size_t sum = 0;
  for_each_value(x, [&]<class T>(const T& each) {
    if constexpr (std::same_as<T, tensor_blob>)
      sum += each.size_bytes();
    else // too large for the codec is also too large to go inline
      sum += encoded_size(each).value_or(inline_bytes + 1);
  });
  return sum;
}

failure unreadable(const caf::error& why) {
  return {errc::malformed, "peer: expected a message of this version, got one "
                           "that does not decode: "
                               + from_error(why).message};
}

/// What an answer does to the views kept, for those that are views.
struct no_view {
  template <class Msg>
  no_view(view_cache&, Msg&) {}
  template <class Ack>
  void complete(view_cache&, Ack&) {}
};

/// Asks for a newer view than the one kept, and fills that in if there is none.
struct kept_view {
  kept_view(view_cache& views, receive_get_msg& msg)
      : pid{msg.pid}, known{views.find(pid)} {
    msg.known_version = known ? known->version : receive_get_msg::no_version;
  }

  void complete(view_cache& views, receive_get_ack& ack) {
    if (ack.unchanged) {
      if (known)
        fill(ack, *known);
    } else if (auto view = to_view(ack)) { // else who asked hears why not
      views.put(pid, std::move(*view));
    }
  }

  particle_id pid;
  view_ptr known;
};

template <class Msg>
using view_of =
    std::conditional_t<std::same_as<Msg, receive_get_msg>, kept_view, no_view>;

} // namespace

// -- the actor
// -----------------------------------------------------------------

courier_actor::behavior_type
courier_state::make_behavior(courier_options opts) {
  options_ = std::move(opts);
  views_.emplace(options_.views);
  self_->set_down_handler([this](caf::down_msg& down) { gone(down.source); });
  self_->delayed_send(self_, options_.patience, courier_tick{});
  return [this]<class... Cs>(
             detail::carried_list<Cs...>) -> courier_actor::behavior_type {
    return {
        [this](const parcel<typename Cs::msg>& x) {
          return carry<typename Cs::msg, typename Cs::ack>(x);
        }...,
        [this](const courier_peers& all) { meet(all); },
        [this](const courier_tick&) { ask_if_open(); },
        [this](const carried_request& x) { serve(x); },
        [this](const carried_answer& x) { take_answer(x); },
        [this](const carried_failure& x) { take_failure(x); },
        [this](const chunk_frame& x) { take(x); },
        [this](const credit_frame& x) { take(x); },
        [this](const cancel_frame& x) { take(x); },
        [this](const refusal_frame& x) { take(x); },
        [this](const placed_chunk_frame& x) { take(x); },
        [this](const window_frame& x) { take(x); },
        [this](const window_answer_frame& x) { take(x); },
        [this](const still_open_msg& x) { return still_open(x); },
    };
  }(detail::all_carried{});
}

courier_state::~courier_state() {
  for (const auto& [node, x] : peers_)
    for (const auto& [id, request] : std::exchange(x->open, {}))
      request.fail({errc::actor_down,
                    "the node ended before node " + node + " could answer"});
  payload_mapping::free_kept();
}

void courier_state::meet(const courier_peers& all) {
  for (const auto& what : all.peers) {
    auto& known = peers_[what.at.node];
    if (known) { // a node is one process as long as the run lasts
      known->what = what;
      continue;
    }
    auto handle = caf::actor_cast<courier_actor>(what.at.courier);
    auto emit = [this, handle](link_frame frame) {
      std::visit([&](auto& x) { self_->send(handle, std::move(x)); }, frame);
    };
    known = std::make_unique<peer>(
        what, handle, link_options{options_.limits, options_.shared_memory},
        std::move(emit));
    by_address_[known->handle.address()] = known.get();
    self_->monitor(known->handle);
  }
}

courier_state::peer* courier_state::sender() {
  const auto& from = self_->current_sender();
  if (!from)
    return nullptr;
  const auto known = by_address_.find(caf::actor_cast<caf::actor_addr>(from));
  return known == by_address_.end() || known->second->lost ? nullptr
                                                           : known->second;
}

// -- requests of this node
// -----------------------------------------------------

template <class Msg, class Ack>
caf::result<Ack> courier_state::carry(const parcel<Msg>& x) {
  const auto known = peers_.find(x.node);
  if (known == peers_.end())
    return to_error(
        {errc::actor_down,
         "node " + options_.node + " does not know a node \"" + x.node + "\""});
  auto& to = *known->second;
  if (to.lost)
    return to_error(*to.lost);
  auto msg = x.msg;
  auto promise = self_->template make_response_promise<Ack>();
  const auto id = next_request_++;
  to.open.emplace(id, request_for<Msg, Ack>(msg, promise));
  ship(
      to,
      carried_request{id, x.to, caf::type_id<Msg>::value, {}, transfer_id{0}},
      msg,
      [this, &to, id] {
        if (auto request = to.open.find(id); request != to.open.end())
          request->second.sent = self_->clock().now();
      },
      [this, &to, id](const failure& why) { give_up(to, id, why); });
  return promise;
}

template <class Msg, class Ack>
courier_state::open_request
courier_state::request_for(Msg& msg, caf::typed_response_promise<Ack> promise) {
  open_request out;
  out.deliver = [this, promise, view = view_of<Msg>{*views_, msg}](
                    const carried_answer& x,
                    loose_values values) mutable -> expected<void> {
    if (x.kind != caf::type_id<Ack>::value)
      return fail(errc::malformed,
                  "peer: expected an answer of kind "
                      + std::to_string(caf::type_id<Ack>::value) + ", got "
                      + std::to_string(x.kind));
    auto ack = from_body<Ack>(x.body, std::move(values));
    if (!ack)
      return fail(std::move(ack));
    view.complete(*views_, *ack);
    promise.deliver(std::move(*ack));
    return {};
  };
  out.fail = [promise](const failure& why) mutable {
    promise.deliver(to_error(why));
  };
  return out;
}

void courier_state::take_answer(const carried_answer& x) {
  auto* from = sender();
  if (from == nullptr)
    return;
  if (x.payload == 0)
    return deliver(*from, x, {});
  if (auto request = from->open.find(x.id); request != from->open.end())
    request->second.arriving = true;
  // Should it fail, its sender says so: the peer hears of every refusal.
  from->link.expect(
      x.payload,
      [this, from, x](value_list values) {
        deliver(*from, x, std::move(values));
      },
      [](const failure&) {});
}

void courier_state::deliver(peer& from, const carried_answer& x,
                            loose_values values) {
  auto request = from.open.extract(x.id);
  if (!request) // it was given up
    return;
  if (auto read = request.mapped().deliver(x, std::move(values)); !read)
    request.mapped().fail(read.error());
}

void courier_state::take_failure(const carried_failure& x) {
  if (auto* from = sender())
    give_up(*from, x.id, {errc_of(x.code), x.message});
}

void courier_state::give_up(peer& from, request_id id, const failure& why) {
  if (auto request = from.open.extract(id))
    request.mapped().fail(why);
}

// -- requests of others
// --------------------------------------------------------

void courier_state::serve(const carried_request& x) {
  auto* from = sender();
  if (from == nullptr)
    return;
  const bool known = [&]<class... Cs>(detail::carried_list<Cs...>) {
    return (serve_as<typename Cs::msg, typename Cs::ack>(*from, x) || ...);
  }(detail::all_carried{});
  if (!known)
    refuse(*from, x.id,
           {errc::malformed, "node " + options_.node
                                 + ": a request of the unknown kind "
                                 + std::to_string(x.kind)});
}

template <class Msg, class Ack>
bool courier_state::serve_as(peer& from, const carried_request& x) {
  if (x.kind != caf::type_id<Msg>::value)
    return false;
  from.serving.insert(x.id);
  auto go_on = [this, &from, x](loose_values values) {
    auto msg = from_body<Msg>(x.body, std::move(values));
    if (msg)
      ask_local<Msg, Ack>(from, x, std::move(*msg));
    else
      refuse(from, x.id, msg.error());
  };
  if (x.payload == 0)
    go_on({});
  else
    from.link.expect(x.payload, std::move(go_on),
                     [&from, id = x.id](const failure&) {
                       from.serving.erase(id); // its sender hears of it
                     });
  return true;
}

template <class Msg, class Ack>
void courier_state::ask_local(peer& from, const carried_request& x, Msg msg) {
  if (!x.to || x.to->node() != self_->node())
    return refuse(from, x.id,
                  {errc::actor_down, "node " + options_.node
                                         + ": whom the request was for is not "
                                           "on this node"});
  self_
      ->request(caf::actor_cast<caf::actor>(x.to), caf::infinite,
                std::move(msg))
      .then([this, &from, id = x.id](Ack& ack) { answer(from, id, ack); },
            [this, &from, id = x.id](caf::error& why) {
              refuse(from, id, from_error(why));
            });
}

template <class Ack>
void courier_state::answer(peer& from, request_id id, Ack& ack) {
  if (from.lost)
    return;
  ship(
      from, carried_answer{id, caf::type_id<Ack>::value, {}, transfer_id{0}},
      ack, [&from, id] { from.serving.erase(id); },
      [this, &from, id](const failure& why) { refuse(from, id, why); });
}

void courier_state::refuse(peer& from, request_id id, const failure& why) {
  from.serving.erase(id);
  if (!from.lost)
    self_->send(
        from.handle,
        carried_failure{id, static_cast<std::uint8_t>(why.code), why.message});
}

// -- the way between
// -----------------------------------------------------------

template <class Envelope, class Msg>
void courier_state::ship(peer& to, Envelope envelope, Msg& x,
                         std::function<void()> leaving,
                         std::function<void(const failure&)> failed) {
  const bool apart = size_of_values(x) > inline_bytes;
  auto payload = apart ? pack(value{take_values(x)})
                       : expected<scattered_payload>{scattered_payload{}};
  if (!payload)
    return failed(payload.error());
  auto body = to_body(x);
  if (!body)
    return failed(body.error());
  envelope.body = std::move(*body);
  auto send = [this, &to, leaving](Envelope complete) {
    self_->send(to.handle, std::move(complete));
    leaving();
  };
  if (!apart)
    return send(std::move(envelope));
  to.link.send(
      std::move(*payload),
      [send, envelope = std::move(envelope)](transfer_id id) mutable {
        envelope.payload = id;
        send(std::move(envelope));
      },
      std::move(failed));
}

template <class T>
expected<std::string> courier_state::to_body(const T& x) {
  std::vector<char> bytes;
  caf::binary_serializer sink{self_->system(), bytes};
  if (auto err = sink(x))
    return tl::unexpected<failure>{from_error(err)};
  return std::string{bytes.begin(), bytes.end()};
}

template <class T>
expected<T> courier_state::from_body(const std::string& body,
                                     loose_values values) {
  T x;
  caf::binary_deserializer source{self_->system(), body.data(), body.size()};
  if (auto err = source(x))
    return tl::unexpected<failure>{unreadable(err)};
  if (values)
    if (auto put = put_values(x, std::move(*values)); !put)
      return fail(std::move(put));
  return x;
}

template <class Frame>
void courier_state::take(const Frame& x) {
  auto* from = sender();
  if (from == nullptr)
    return;
  if (auto fits = from->link.take(x); !fits)
    lose(*from, {errc::node_lost,
                 "node " + from->what.at.node + " at " + from->what.at.address
                     + " was given up: " + fits.error().message});
}

// -- loss
// ----------------------------------------------------------------------

void courier_state::gone(const caf::actor_addr& who) {
  if (const auto known = by_address_.find(who); known != by_address_.end())
    lose(*known->second,
         node_loss(known->second->what.at.node, known->second->what.at.address,
                   known->second->what.particles));
}

void courier_state::lose(peer& x, const failure& why) {
  if (x.lost)
    return;
  x.lost = why;
  x.link.close(why);
  x.serving.clear();
  for (auto pid : x.what.particles)
    views_->forget(pid);
  for (const auto& [id, request] : std::exchange(x.open, {}))
    request.fail(why);
}

void courier_state::ask_if_open() {
  for (const auto& [node, x] : peers_) {
    ask_if_open(*x);
    x->link.free_unused();
  }
  payload_mapping::free_unused();
  self_->delayed_send(self_, options_.patience, courier_tick{});
}

void courier_state::ask_if_open(peer& x) {
  if (x.lost || x.asked_if_open)
    return;
  still_open_msg question;
  const auto old = self_->clock().now() - options_.patience;
  for (const auto& [id, request] : x.open) {
    if (question.ids.size() == questions_at_once)
      break;
    if (request.sent && *request.sent < old && !request.arriving)
      question.ids.push_back(id);
  }
  if (question.ids.empty())
    return;
  x.asked_if_open = true;
  self_->request(x.handle, options_.patience, std::move(question))
      .then(
          [this, &x](const still_open_ack& ack) {
            x.asked_if_open = false;
            for (auto id : ack.unknown)
              give_up(x, id,
                      {errc::timed_out, "node " + x.what.at.node
                                            + " does not know of a request "
                                              "that it got"});
          },
          [this, &x](const caf::error&) {
            x.asked_if_open = false;
            lose(x, node_loss(x.what.at.node, x.what.at.address,
                              x.what.particles));
          });
}

caf::result<still_open_ack> courier_state::still_open(const still_open_msg& x) {
  const auto* from = sender();
  if (from == nullptr)
    return to_error(
        {errc::refused, "node " + options_.node + " does not serve who asks"});
  still_open_ack out;
  for (auto id : x.ids)
    if (!from->serving.contains(id))
      out.unknown.push_back(id);
  return out;
}

courier_peers peers_of(std::string_view node,
                       const std::vector<courier_address>& couriers,
                       const std::vector<directory_entry>& particles) {
  courier_peers out;
  for (const auto& at : couriers) {
    if (at.node == node)
      continue;
    auto& peer = out.peers.emplace_back(courier_peer{at, {}});
    for (const auto& x : particles)
      if (x.node == at.node)
        peer.particles.push_back(x.pid);
  }
  return out;
}

courier_actor::behavior_type courier(courier_state::self_ptr self,
                                     courier_options opts) {
  return self->state.make_behavior(std::move(opts));
}

} // namespace posse
