#include "actors/lane.hpp"

#include "actors/lane_job.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/compute_thread.hpp"

namespace posse {

namespace {

using self_ptr = lane_actor::stateful_pointer<lane_state>;

template <class Ack>
caf::result<Ack> compute(self_ptr self, const lane_work<Ack>& work) {
  prepare_compute_thread();
  auto& job = *work.job;
  job.note_begin();
  auto result = guarded("lane", [&] { return job.compute(); });
  job.note_end();
  if (job.device.schedule.finish(job))
    self->send(self->state.worker, lane_done{});
  if (!result)
    return to_error(job.in_context(std::move(result.error())));
  return std::move(*result);
}

template <class... Acks>
lane_actor::behavior_type behavior_for(self_ptr self,
                                       detail::lane_interface<Acks...>) {
  return {
      [self](const lane_work<Acks>& work) { return compute(self, work); }...};
}

} // namespace

lane_actor::behavior_type lane(self_ptr self, device_worker_actor worker,
                               std::shared_ptr<worker_device> device) {
  self->state.worker = std::move(worker);
  self->state.device = std::move(device);
  return behavior_for(self, detail::lane_acks{});
}

} // namespace posse
