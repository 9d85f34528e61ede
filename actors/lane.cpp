#include "actors/lane.hpp"

#include "actors/lane_job.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/compute_thread.hpp"

#include <chrono>

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

/// What becomes of a job once it has been computed.
template <class Ack>
expected<Ack> end(self_ptr self, lane_job<Ack>& job, expected<Ack> result) {
  job.note_end();
  if (job.device.schedule.finish(job))
    self->send(self->state.worker, lane_done{});
  if (!result)
    result.error() = job.in_context(std::move(result.error()));
  return result;
}

lane_schedule::lane_queue queue_of(self_ptr self) {
  return self->state.device->schedule.queue_of(self->state.number);
}

/// Computes the groups that are complete, as far as the lane's queue tells.
void compute_groups(self_ptr self, const lane_schedule::lane_queue& queue) {
  // What a message between two actors takes, hundreds of times over: nobody who
  // is on its way comes later. Shorter, the clock would wake up for most
  // groups.
  constexpr std::chrono::milliseconds a_while{1};
  using action = group_gathering::action;
  auto& state = self->state;
  const auto next = [self] {
    return self->state.gathering.next(queue_of(self));
  };
  auto now = state.gathering.next(queue);
  for (; now == action::run; now = next()) {
    prepare_compute_thread();
    const auto group = state.gathering.take();
    auto& first = static_cast<lane_job_base&>(*group.front());
    // What fails for all is each one's failure: none has a result then.
    (void)guarded("group", [&] { first.compute_group(group); });
    for (auto* job : group) {
      if (job != &first) // whose event is the group's
        static_cast<lane_job_base*>(job)->note_begin();
      const auto at = state.gathered.find(job);
      const auto answer = std::move(at->second);
      state.gathered.erase(at);
      answer();
    }
  }
  if (now != action::wait_a_while || state.waits_a_while)
    return;
  state.waits_a_while = true;
  self->delayed_send(
      self, a_while,
      lane_errand{[self, seen = state.gathering.arrivals(), next] {
        auto& lane = self->state;
        lane.waits_a_while = false;
        if (lane.gathering.arrivals() == seen && next() == action::wait_a_while)
          lane.gathering.go_on();
        compute_groups(self, queue_of(self));
      }});
}

template <class Ack>
caf::result<Ack> gather(self_ptr self, std::shared_ptr<lane_job<Ack>> job) {
  auto promise = self->template make_response_promise<Ack>();
  auto& state = self->state;
  const auto queue = queue_of(self);
  state.gathering.add(*job, queue);
  state.gathered[job.get()] = [self, job, promise]() mutable {
    auto result = end(self, *job, job->compute());
    if (result)
      promise.deliver(std::move(*result));
    else
      promise.deliver(to_error(result.error()));
  };
  compute_groups(self, queue);
  return promise;
}

template <class Ack>
caf::result<Ack> compute(self_ptr self, const lane_work<Ack>& work) {
  auto& job = *work.job;
  if (job.in_groups)
    return gather(self, work.job);
  prepare_compute_thread();
  job.note_begin();
  auto result = guarded("lane", [&] { return job.compute(); });
  if (!result && result.error().code == errc::all_slots_pinned)
    return put_off(self, work.job);
  auto done = end(self, job, std::move(result));
  if (!self->state.gathering.empty())
    compute_groups(self, queue_of(self)); // they may have waited for this one
  if (!done)
    return to_error(done.error());
  return std::move(*done);
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
                               std::shared_ptr<worker_device> device,
                               std::size_t number) {
  self->state.worker = std::move(worker);
  self->state.device = std::move(device);
  self->state.number = number;
  return behavior_for(self, detail::lane_acks{});
}

} // namespace posse
