#pragma once

#include "actors/courier_interface.hpp"
#include "actors/courier_link.hpp"
#include "messages/transfer/transfer_limits.hpp"
#include "runtime/store/view_cache.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace posse {

/// What a courier is started with.
struct courier_options {
  std::string node; ///< whose requests it carries; "driver"
  /// How long a peer may take to say that it is still busy with a request.
  std::chrono::milliseconds patience{10'000};
  view_limit views{}; ///< of other nodes' particles, that are kept
  transfer_limits limits{};
  /// Whether chunks for a peer of the same machine go through shared memory.
  bool shared_memory{true};
};

/// Carries requests to other nodes and serves theirs.
///
/// A request becomes a carried_request to the peer's courier, which asks its
/// own actor and sends the answer back. Values and tensors above 64 KiB travel
/// beside it, as a transfer: in chunks, against credit. A request may take as
/// long as it likes, but at every `patience` the peer has to say that it still
/// works on the old ones. A peer that does not, or that ends or breaks the
/// protocol, is lost, and all that is open with it fails.
///
/// A view of a particle (get) is kept: while the particle does not change, the
/// next one costs a question and no transfer.
class courier_state {
public:
  using self_ptr = courier_actor::stateful_pointer<courier_state>;
  static inline const char* name = "courier";

  explicit courier_state(self_ptr self) : self_{self} {}
  ~courier_state();
  courier_actor::behavior_type make_behavior(courier_options opts);

private:
  using request_id = std::uint64_t;
  /// The values of a message, if they came beside it.
  using loose_values = std::optional<value_list>;

  /// A request of this node that has no answer yet.
  struct open_request {
    /// When it left; none while its payload waits for room.
    std::optional<caf::actor_clock::time_point> sent;
    bool arriving{false}; ///< the answer came, its payload is on the way
    /// Answers who asked, or says why the answer cannot be read.
    std::function<expected<void>(const carried_answer&, loose_values)> deliver;
    std::function<void(const failure&)> fail;
  };

  struct peer {
    peer(courier_peer w, courier_actor h, const link_options& opts,
         std::function<void(link_frame)> emit)
        : what{std::move(w)}, handle{std::move(h)}, link{opts,
                                                         std::move(emit)} {}

    courier_peer what;
    courier_actor handle;
    courier_link link;
    std::optional<failure> lost;
    std::map<request_id, open_request> open; ///< oldest first
    /// Its requests that are being worked on here.
    std::unordered_set<request_id> serving;
    bool asked_if_open{false};
  };

  void meet(const courier_peers& all);
  /// The peer whose message is being handled; nullptr for strangers, and for
  /// one that is lost.
  peer* sender();

  // -- requests of this node
  template <class Msg, class Ack>
  caf::result<Ack> carry(const parcel<Msg>& x);
  template <class Msg, class Ack>
  open_request request_for(Msg& msg, caf::typed_response_promise<Ack> promise);
  void take_answer(const carried_answer& x);
  void take_failure(const carried_failure& x);
  void deliver(peer& from, const carried_answer& x, loose_values values);
  void give_up(peer& from, request_id id, const failure& why);

  // -- requests of others
  void serve(const carried_request& x);
  template <class Msg, class Ack>
  bool serve_as(peer& from, const carried_request& x);
  template <class Msg, class Ack>
  void ask_local(peer& from, const carried_request& x, Msg msg);
  template <class Ack>
  void answer(peer& from, request_id id, Ack& ack);
  void refuse(peer& from, request_id id, const failure& why);

  // -- the way between
  /// Sends `x` in an envelope, with its values beside it if they are large.
  /// @param leaving Called when the envelope leaves.
  /// @param failed Called if it does not arrive, and the peer is not lost.
  template <class Envelope, class Msg>
  void ship(peer& to, Envelope envelope, Msg& x, std::function<void()> leaving,
            std::function<void(const failure&)> failed);
  template <class T>
  expected<std::string> to_body(const T& x);
  template <class T>
  expected<T> from_body(const std::string& body, loose_values values);
  template <class Frame>
  void take(const Frame& x);

  // -- loss
  void gone(const caf::actor_addr& who);
  void lose(peer& x, const failure& why);
  void ask_if_open();
  void ask_if_open(peer& x);
  caf::result<still_open_ack> still_open(const still_open_msg& x);

  self_ptr self_;
  courier_options options_;
  request_id next_request_{1};
  std::optional<view_cache> views_;
  std::map<std::string, std::unique_ptr<peer>> peers_; ///< by node
  std::map<caf::actor_addr, peer*> by_address_;
};

courier_actor::behavior_type courier(courier_state::self_ptr self,
                                     courier_options opts);

} // namespace posse
