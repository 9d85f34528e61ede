#include "actors/device_worker.hpp"

#include "actors/device_jobs.hpp"
#include "actors/recipe_of_particle.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/compute/group_rules.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/device/kernel_cache.hpp"

namespace posse {

namespace {

// About 320 KiB of them: one message, which holds up no other for long.
constexpr std::size_t events_at_once = 8192;

} // namespace

template <class Ack>
caf::result<Ack>
device_worker_state::start(std::shared_ptr<lane_job<Ack>> job) {
  auto& schedule = device_->schedule;
  auto placed = schedule.place(*job);
  if (!placed)
    return to_error(job->in_context(std::move(placed.error())));
  if (*placed) {
    const auto& lane = device_->lanes[job->lane];
    return self_->delegate(lane, lane_work<Ack>{std::move(job)});
  }
  auto promise = self_->template make_response_promise<Ack>();
  schedule.wait(
      job,
      [job, promise]() mutable {
        promise.delegate(job->device.lanes[job->lane], lane_work<Ack>{job});
      },
      [job, promise](failure why) mutable {
        promise.deliver(to_error(job->in_context(std::move(why))));
      });
  // What it waits for may have been finished in between.
  schedule.start_waiting();
  return promise;
}

template <class Msg>
auto device_worker_state::submit(const Msg& msg) {
  return start(job_for(*device_, msg));
}

device_worker_actor::behavior_type
device_worker_state::make_behavior(std::shared_ptr<worker_device> device) {
  device_ = std::move(device);
  const auto me = caf::actor_cast<device_worker_actor>(self_);
  remember_kernels();
  for (std::size_t i = 0; i < device_->options.lanes; ++i)
    device_->lanes.push_back(self_->spawn<caf::linked>(lane, me, device_, i));
  return {
      [this](const receive_particle_init_msg& req) { return create(req); },
      [this](const step_msg& req) { return submit(req); },
      [this](const gradient_msg& req) { return submit(req); },
      [this](const forward_msg& req) { return submit(req); },
      [this](const forward_part_msg& req) { return submit(req); },
      [this](const validate_msg& req) { return submit(req); },
      [this](const collect_msg& req) { return submit(req); },
      [this](const fit_msg& req) { return submit(req); },
      [this](const transition_msg& req) { return submit(req); },
      [this](const finish_msg& req) { return submit(req); },
      [this](const cursor_msg& req) { return submit(req); },
      [this](const zero_grad_msg& req) { return submit(req); },
      [this](const scheduler_step_msg& req) { return submit(req); },
      [this](const group_update_msg& req) { return update_group(req); },
      [this](const gather_rows_msg& req) { return submit(req); },
      [this](const write_rows_msg& req) { return submit(req); },
      [this](const reduce_rows_msg& req) { return submit(req); },
      [this](const group_partial_msg& req) { return submit(req); },
      [this](const group_combine_msg& req) { return submit(req); },
      [this](const group_directions_msg& req) { return submit(req); },
      [this](const ascend_msg& req) { return submit(req); },
      [this](const receive_get_msg& req) { return submit(req); },
      [this](const local_get_msg& req) { return submit(req); },
      [this](const module_msg& req) { return submit(req); },
      [this](const receive_parameters_msg& req) { return submit(req); },
      [this](const save_state_msg& req) { return submit(req); },
      [this](const load_state_msg& req) { return submit(req); },
      [this](const pin_msg& req) { return submit(req); },
      [this](const unpin_msg& req) { return unpin(req); },
      [this](const status_msg&) { return status(); },
      [this](const trace_msg& req) { return trace(req); },
      [this](const lane_done&) { device_->schedule.start_waiting(); },
  };
}

caf::result<receive_particle_init_ack>
device_worker_state::create(const receive_particle_init_msg& req) {
  auto recipe = recipe_of(req);
  if (!recipe)
    return to_error(
        in_context(std::move(recipe.error()), *device_, req.pid, "create"));
  return start(creation(*device_, req.pid, std::move(*recipe), req.train_key));
}

caf::result<group_update_ack>
device_worker_state::update_group(const group_update_msg& req) {
  auto rule = group_rules().find(req.name);
  if (!rule)
    return to_error(rule.error());
  return start(group_update(*device_, req, (*rule)->whole));
}

caf::result<unpin_ack> device_worker_state::unpin(const unpin_msg& req) {
  const bool was_pinned = device_->schedule.with_store(
      [&](particle_store& store) { return store.unpin(req.pid); });
  if (!was_pinned)
    return to_error(in_context({errc::invalid_argument, "it is not pinned"},
                               *device_, req.pid, "unpin"));
  device_->schedule.start_waiting(); // somebody may wait for that slot
  return unpin_ack{};
}

status_ack device_worker_state::status() const {
  status_ack out;
  out.device = device_->options.device;
  out.lanes = device_->options.lanes;
  device_->schedule.with_store([&](particle_store& store) {
    const auto counters = store.counters();
    const auto& swaps = store.swaps();
    out.particles = store.size();
    out.capacity = store.capacity();
    out.resident = store.resident();
    out.hits = counters.hits;
    out.misses = counters.misses;
    out.evictions = counters.evictions;
    out.bytes_moved = swaps.bytes_moved;
    out.stall_seconds = static_cast<double>(swaps.stall_nanoseconds) * 1e-9;
    out.disk_bytes_moved = store.below().disk_bytes_moved();
    out.slots_given_up = store.slots_given_up();
  });
  const auto views = device_->views.counters();
  out.view_hits = views.hits;
  out.view_copies = views.copies;
  out.view_bytes = views.bytes;
  return out;
}

caf::result<trace_ack> device_worker_state::trace(const trace_msg& req) const {
  if (!device_->trace)
    return to_error({errc::invalid_argument, "the run is not traced"});
  if (auto done = guarded("trace", [&] { device_->trace->copies.collect(); });
      !done)
    return to_error(done.error());
  return trace_ack{device_->trace->events.read(req.first, events_at_once)};
}

expected<std::shared_ptr<const compiled_recipe>>
device_worker_state::recipe_of(const receive_particle_init_msg& req) {
  auto recipe = recipe_of_particle(device_->options.recipe, req);
  if (!recipe)
    return fail(std::move(recipe));
  for (const auto& [known, compiled] : recipes_)
    if (known == *recipe)
      return compiled;
  auto compiled = compile(*recipe, device_->options.data->data().train.size());
  if (compiled)
    recipes_.emplace_back(std::move(*recipe), *compiled);
  return compiled;
}

device_worker_actor::behavior_type
device_worker(device_worker_state::self_ptr self,
              std::shared_ptr<worker_device> device) {
  return self->state.make_behavior(std::move(device));
}

} // namespace posse
