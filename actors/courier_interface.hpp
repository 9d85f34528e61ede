#pragma once

#include "actors/parcel.hpp"
#include "messages/compute_messages.hpp"
#include "messages/courier_messages.hpp"
#include "messages/group_messages.hpp"
#include "messages/node_messages.hpp"
#include "messages/particle_messages.hpp"
#include "messages/trace_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <string_view>
#include <vector>

namespace posse {

/// Another node of the run, as its courier's peer.
struct courier_peer {
  courier_address at;
  std::vector<particle_id> particles; ///< that live there
};

/// From whoever started the courier: its peers, new or known.
struct courier_peers {
  std::vector<courier_peer> peers;
};

/// The peers of `node`'s courier in a run: all of `couriers` but its own, each
/// with those of `particles` that live there.
courier_peers peers_of(std::string_view node,
                       const std::vector<courier_address>& couriers,
                       const std::vector<directory_entry>& particles);

/// From the courier to itself, now and then.
struct courier_tick {};

namespace detail {

/// A request that couriers carry, and its answer.
template <class Msg, class Ack>
struct carried {
  using msg = Msg;
  using ack = Ack;
};

template <class... Cs>
struct carried_list {};

using all_carried = carried_list<
    carried<receive_func_msg, receive_func_ack>,
    carried<receive_func_pd_msg, receive_func_pd_ack>,
    carried<receive_register_msg, receive_register_ack>,
    carried<receive_get_msg, receive_get_ack>,
    carried<receive_parameters_msg, receive_parameters_ack>,
    carried<forward_msg, forward_ack>, carried<forward_part_msg, forward_ack>,
    carried<gather_rows_msg, gather_rows_ack>,
    carried<write_rows_msg, write_rows_ack>, carried<ascend_msg, ascend_ack>,
    carried<save_state_msg, save_state_ack>,
    carried<load_state_msg, load_state_ack>, carried<trace_msg, trace_ack>>;

template <class... Cs>
auto courier_interface(carried_list<Cs...>) -> caf::typed_actor<
    // From actors of this process: brings a request to another node.
    typename caf::replies_to<parcel<typename Cs::msg>>::template with<
        typename Cs::ack>...,
    // From whoever started it, and from itself.
    caf::reacts_to<courier_peers>, caf::reacts_to<courier_tick>,
    // From the couriers of other nodes.
    caf::reacts_to<carried_request>, caf::reacts_to<carried_answer>,
    caf::reacts_to<carried_failure>, caf::reacts_to<chunk_frame>,
    caf::reacts_to<credit_frame>, caf::reacts_to<cancel_frame>,
    caf::reacts_to<refusal_frame>, caf::reacts_to<placed_chunk_frame>,
    caf::reacts_to<window_frame>, caf::reacts_to<window_answer_frame>,
    caf::replies_to<still_open_msg>::with<still_open_ack>>;

} // namespace detail

/// One a process and run on nodes: all requests between its actors and those of
/// other nodes go through it, and so have one place that bounds them, watches
/// the peers and cuts what is large into chunks.
using courier_actor =
    decltype(detail::courier_interface(detail::all_carried{}));

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::courier_peers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::courier_tick)
