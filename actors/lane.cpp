#include "actors/lane.hpp"

#include "actors/lane_job.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/compute_thread.hpp"

namespace posse {

namespace {

using self_ptr = lane_actor::stateful_pointer<lane_state>;

/// Puts off a job that found no memory beside others; it may go on another
/// lane, but whoever asked waits for this one's answer.
template <class Ack>
caf::result<Ack> put_off(self_ptr self, std::shared_ptr<lane_job<Ack>> job) {
  auto promise = self->template make_response_promise<Ack>();
  const auto me = caf::actor_cast<lane_actor>(self);
  job->device.schedule.wait_again(
      job,
      [me, job, promise] {
        caf::anon_send(me, lane_errand{[job, promise]() mutable {
                         promise.delegate(job->device.lanes[job->lane],
                                          lane_work<Ack>{job});
                       }});
      },
      [me, job, promise](const failure& why) {
        caf::anon_send(me, lane_errand{[job, promise, why]() mutable {
                         promise.deliver(to_error(job->in_context(why)));
                       }});
      });
  self->send(self->state.worker, lane_done{});
  return promise;
}

template <class Ack>
caf::result<Ack> compute(self_ptr self, const lane_work<Ack>& work) {
  prepare_compute_thread();
  auto& job = *work.job;
  job.note_begin();
  auto result = guarded("lane", [&] { return job.compute(); });
  if (!result && result.error().code == errc::all_slots_pinned)
    return put_off(self, work.job);
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
      [self](const lane_work<Acks>& work) { return compute(self, work); }...,
      [](const lane_errand& errand) { errand.run(); }};
}

} // namespace

lane_actor::behavior_type lane(self_ptr self, device_worker_actor worker,
                               std::shared_ptr<worker_device> device) {
  self->state.worker = std::move(worker);
  self->state.device = std::move(device);
  return behavior_for(self, detail::lane_acks{});
}

} // namespace posse
