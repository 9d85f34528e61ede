#pragma once

#include "actors/device_worker_interface.hpp"
#include "actors/lane_work.hpp"
#include "runtime/compute/group_gathering.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>
#include <unordered_map>

namespace posse {

struct worker_device;

/// To a lane: something that it does in its own context. Never leaves the
/// process.
struct lane_errand {
  std::function<void()> run;
};

namespace detail {

template <class... Acks>
struct lane_interface {
  using type = caf::typed_actor<
      typename caf::replies_to<lane_work<Acks>>::template with<Acks>...,
      caf::reacts_to<lane_errand>>;
};

using lane_acks =
    lane_interface<receive_particle_init_ack, step_ack, gradient_ack,
                   forward_ack, validate_ack, collect_ack, fit_ack,
                   transition_ack, finish_ack, cursor_ack, zero_grad_ack,
                   scheduler_step_ack, group_update_ack, gather_rows_ack,
                   write_rows_ack, reduce_rows_ack, group_partial_ack,
                   group_combine_ack, group_directions_ack, ascend_ack,
                   receive_get_ack, local_get_ack, receive_parameters_ack,
                   save_state_ack, load_state_ack, pin_ack, module_ack>;

} // namespace detail

/// Computes. On a CPU a cooperative actor that works in the scheduler's thread,
/// single-threaded inside; as many of them as the device has lanes run at once.
/// Answers whoever asked, and gives the leases back first, so that a particle's
/// next request finds them free.
using lane_actor = detail::lane_acks::type;

struct lane_state {
  static inline const char* name = "lane";
  explicit lane_state(lane_actor::stateful_pointer<lane_state>) {}

  device_worker_actor worker;
  std::shared_ptr<worker_device> device; ///< which its jobs refer to
  std::size_t number{0};                 ///< among the device's
  group_gathering gathering;
  /// By the jobs that wait for their group: what answers once it is computed.
  std::unordered_map<const device_job*, std::function<void()>> gathered;
  bool waits_a_while{false}; ///< an errand is on its way
};

lane_actor::behavior_type lane(lane_actor::stateful_pointer<lane_state> self,
                               device_worker_actor worker,
                               std::shared_ptr<worker_device> device,
                               std::size_t number);

} // namespace posse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(posse::lane_errand)
