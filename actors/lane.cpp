#include "actors/lane.hpp"

#include "messages/caf_errors.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/compute_thread.hpp"

namespace posse {

namespace {

using self_ptr = lane_actor::stateful_pointer<lane_state>;

template <class Ack>
caf::result<Ack> compute(self_ptr self, const lane_work<Ack>& work) {
  prepare_compute_thread();
  auto result =
      guarded("lane", [&] { return work.job->compute(work.job->leases); });
  self->send(self->state.worker, lane_done{work.job});
  if (!result)
    return to_error(result.error());
  return std::move(*result);
}

template <class... Acks>
lane_actor::behavior_type table(self_ptr self,
                                detail::lane_interface<Acks...>) {
  return {
      [self](const lane_work<Acks>& work) { return compute(self, work); }...};
}

} // namespace

lane_actor::behavior_type lane(self_ptr self, device_worker_actor worker) {
  self->state.worker = std::move(worker);
  return table(self, detail::lane_acks{});
}

} // namespace posse
