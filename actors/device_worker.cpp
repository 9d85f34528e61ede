#include "actors/device_worker.hpp"

#include "actors/behavior.hpp"
#include "actors/group_update.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/compute/group_rules.hpp"
#include "runtime/core/random.hpp"
#include "runtime/model/tensor_value.hpp"

#include <algorithm>
#include <cassert>

namespace posse {

namespace {

failure in_context(failure why, const worker_device& device, particle_id pid,
                   const char* what) {
  why.message = "particle " + to_string(pid) + " on " + device.options.device
                + " of node " + device.options.node + ": " + what + ": "
                + why.message;
  return why;
}

particle_id first_of(const std::vector<particle_id>& pids) {
  return pids.empty() ? particle_id{} : pids.front();
}

expected<forward_ack> forward_of(const at::Tensor& outputs) {
  auto blob = to_blob(outputs);
  if (!blob)
    return fail(std::move(blob));
  return forward_ack{std::move(*blob)};
}

// The run's recipe with what the message says of this particle.
expected<particle_recipe> with_particle(particle_recipe recipe,
                                        const receive_particle_init_msg& req) {
  auto optimizer = optimizer_spec::from_value(req.optimizer.args);
  if (!optimizer)
    return fail(std::move(optimizer));
  recipe.optimizer = std::move(*optimizer);
  recipe.optimizer.kind = req.optimizer.name;
  auto std = req.prior.args.at_or<double>("std", 1.0);
  if (!std)
    return fail(std::move(std));
  auto weights_prior =
      make_prior(req.prior.name.empty() ? "flat" : req.prior.name, *std);
  if (!weights_prior)
    return fail(std::move(weights_prior));
  recipe.weights_prior = *weights_prior;
  recipe.schedule =
      req.scheduler.name.empty() ? "constant" : req.scheduler.name;
  auto total =
      req.scheduler.args.at_or<std::int64_t>("total_steps", recipe.total_steps);
  if (!total)
    return fail(std::move(total));
  recipe.total_steps = *total;
  auto acts = behaviors().find(req.behaviour.name);
  if (!acts)
    return fail(std::move(acts));
  recipe.gradient_row = (*acts)->exchanges_scores;
  auto keep_best = req.behaviour.args.at_or<bool>("keep_best", false);
  if (!keep_best)
    return fail(std::move(keep_best));
  recipe.keep_best = *keep_best;
  return recipe;
}

std::vector<tensor_blob> blobs_of(std::vector<state_tensor> tensors) {
  std::vector<tensor_blob> out;
  out.reserve(tensors.size());
  for (auto& t : tensors)
    out.push_back(std::move(t.blob));
  return out;
}

} // namespace

device_worker_actor::behavior_type
device_worker_state::make_behavior(device_worker_options opts) {
  const auto store_options = opts.store;
  device_ = std::shared_ptr<worker_device>{
      new worker_device{std::move(opts), particle_store{store_options}}};
  const auto me = caf::actor_cast<device_worker_actor>(self_);
  for (std::size_t i = 0; i < device_->options.lanes; ++i)
    lanes_.push_back(self_->spawn<caf::linked>(lane, me));
  load_.assign(lanes_.size(), 0);

  const auto data = device_->options.data;
  return {
      [this](const receive_particle_init_msg& req) { return create(req); },
      [this, data](const step_msg& req) {
        return on_particle<step_ack>(
            req.pid, "step",
            [data, which = req.batch](seated_particle p) -> expected<step_ack> {
              auto batch = data->at(which);
              if (!batch)
                return fail(std::move(batch));
              auto done = train_step(p, batch->inputs, batch->targets);
              if (!done)
                return fail(std::move(done));
              return step_ack{done->loss,
                              static_cast<std::uint64_t>(done->step)};
            });
      },
      [this, data](const gradient_msg& req) {
        return on_particle<gradient_ack>(
            req.pid, "score",
            [data,
             which = req.batch](seated_particle p) -> expected<gradient_ack> {
              auto batch = data->at(which);
              if (!batch)
                return fail(std::move(batch));
              auto loss = score(p, batch->inputs, batch->targets);
              if (!loss)
                return fail(std::move(loss));
              return gradient_ack{*loss};
            });
      },
      [this](const forward_msg& req) {
        return on_particle<forward_ack>(
            req.pid, "forward",
            [x = req.x](seated_particle p) -> expected<forward_ack> {
              auto inputs = to_tensor(x);
              if (!inputs)
                return fail(std::move(inputs));
              auto outputs = predict(p, *inputs);
              if (!outputs)
                return fail(std::move(outputs));
              return forward_of(*outputs);
            });
      },
      [this, data](const forward_part_msg& req) {
        return on_particle<forward_ack>(
            req.pid, "forward",
            [data,
             part = req.part](seated_particle p) -> expected<forward_ack> {
              auto outputs = predict_part(p, data->data(), part);
              if (!outputs)
                return fail(std::move(outputs));
              return forward_of(*outputs);
            });
      },
      [this, data](const validate_msg& req) {
        return on_particle<validate_ack>(
            req.pid, "validate",
            [data](seated_particle p) -> expected<validate_ack> {
              auto report = validate(p, data->data());
              if (!report)
                return fail(std::move(report));
              return validate_ack{report->score, report->improved};
            });
      },
      [this](const finish_msg& req) {
        return on_particle<finish_ack>(
            req.pid, "finish", [](seated_particle p) -> expected<finish_ack> {
              if (!p.entry.finished)
                if (auto r = restore_best(p); !r)
                  return fail(std::move(r));
              p.entry.finished = true;
              return finish_ack{static_cast<std::uint64_t>(p.entry.steps)};
            });
      },
      [this](const cursor_msg& req) {
        return on_rows<cursor_ack>(
            {req.pid}, "cursor",
            [](const std::vector<lease>& held) -> expected<cursor_ack> {
              const auto& entry = *held[0].entry;
              return cursor_ack{static_cast<std::uint64_t>(entry.steps),
                                entry.finished};
            });
      },
      [this](const zero_grad_msg& req) {
        return on_particle<zero_grad_ack>(
            req.pid, "zero_grad",
            [](seated_particle p) -> expected<zero_grad_ack> {
              zero_grad(p);
              return zero_grad_ack{};
            });
      },
      [this](const scheduler_step_msg& req) {
        return on_rows<scheduler_step_ack>(
            {req.pid}, "scheduler_step",
            [](const std::vector<lease>& held) -> expected<scheduler_step_ack> {
              return scheduler_step_ack{step_schedule(*held[0].entry)};
            });
      },
      [this](const group_update_msg& req) { return update_group(req); },
      [this](const gather_rows_msg& req) { return gather(req); },
      [this](const ascend_msg& req) { return ascend_rows(req); },
      [this](const receive_get_msg& req) {
        return on_rows<receive_get_ack>(
            {req.pid}, "get",
            [](const std::vector<lease>& held) -> expected<receive_get_ack> {
              const auto& entry = *held[0].entry;
              const auto row = row_of(entry, held[0].slot_index);
              auto values = parameters(entry, row);
              if (!values)
                return fail(std::move(values));
              auto slopes = gradients(entry, row);
              if (!slopes)
                return fail(std::move(slopes));
              return receive_get_ack{blobs_of(std::move(*values)),
                                     blobs_of(std::move(*slopes)),
                                     entry.version};
            });
      },
      [this](const receive_parameters_msg& req) {
        return on_rows<receive_parameters_ack>(
            {req.pid}, "parameters",
            [](const std::vector<lease>& held)
                -> expected<receive_parameters_ack> {
              const auto& entry = *held[0].entry;
              auto values =
                  parameters(entry, row_of(entry, held[0].slot_index));
              if (!values)
                return fail(std::move(values));
              return receive_parameters_ack{blobs_of(std::move(*values))};
            });
      },
      [this](const save_state_msg& req) {
        return on_rows<save_state_ack>(
            {req.pid}, "save",
            [](const std::vector<lease>& held) -> expected<save_state_ack> {
              const auto& entry = *held[0].entry;
              auto state = snapshot(entry, row_of(entry, held[0].slot_index));
              if (!state)
                return fail(std::move(state));
              return save_state_ack{to_value(std::move(*state))};
            });
      },
      [this](const load_state_msg& req) {
        return on_rows<load_state_ack>(
            {req.pid}, "load",
            [state = req.state](
                const std::vector<lease>& held) -> expected<load_state_ack> {
              auto from = snapshot_from_value(state);
              if (!from)
                return fail(std::move(from));
              auto& entry = *held[0].entry;
              auto done =
                  restore(entry, row_of(entry, held[0].slot_index), *from);
              if (!done)
                return fail(std::move(done));
              return load_state_ack{};
            });
      },
      [this](const pin_msg& req) { return pin(req); },
      [this](const unpin_msg& req) { return unpin(req); },
      [this](const status_msg&) { return status(); },
      [this](const lane_done& done) { finished(done); },
  };
}

template <class Ack>
caf::result<Ack>
device_worker_state::submit(std::vector<particle_id> pids,
                            acquire_function acquire,
                            std::shared_ptr<lane_job<Ack>> job) {
  // An earlier operation on one of the particles goes first.
  const bool behind = std::ranges::any_of(
      pids, [this](particle_id pid) { return waiting_for_.contains(pid); });
  if (!behind) {
    auto got = acquire();
    if (!got)
      return to_error(in_context(std::move(got.error()), *device_,
                                 first_of(pids), "request"));
    if (got->outcome == grant::leased) {
      job->leases = std::move(got->leases);
      job->lane = least_loaded();
      ++load_[job->lane];
      return self_->delegate(lanes_[job->lane], lane_work<Ack>{job});
    }
  }
  auto promise = self_->template make_response_promise<Ack>();
  for (auto pid : pids)
    ++waiting_for_[pid];
  waiting_.push_back(
      {std::move(pids), std::move(acquire),
       [this, job, promise](std::vector<lease> leases) mutable {
         job->leases = std::move(leases);
         job->lane = least_loaded();
         ++load_[job->lane];
         promise.delegate(lanes_[job->lane], lane_work<Ack>{job});
       },
       [promise](failure why) mutable { promise.deliver(to_error(why)); }});
  return promise;
}

template <class Ack, class Work>
caf::result<Ack> device_worker_state::on_particle(particle_id pid,
                                                  const char* what, Work work) {
  auto acquire = [this, pid] { return device_->store.acquire(pid); };
  auto job = std::make_shared<lane_job<Ack>>(
      [device = device_, what, work = std::move(work)](
          const std::vector<lease>& held) -> expected<Ack> {
        auto& entry = *held[0].entry;
        auto seat = settle(held[0], device->store.swaps());
        if (!seat)
          return tl::unexpected{
              in_context(std::move(seat.error()), *device, entry.pid, what)};
        auto result = work(seated_particle{entry, **seat});
        if (!result)
          return tl::unexpected{
              in_context(std::move(result.error()), *device, entry.pid, what)};
        return result;
      });
  return submit<Ack>({pid}, std::move(acquire), std::move(job));
}

template <class Ack, class Work>
caf::result<Ack> device_worker_state::on_rows(std::vector<particle_id> pids,
                                              const char* what, Work work) {
  auto acquire = [this, pids] { return device_->store.acquire_rows(pids); };
  auto job = std::make_shared<lane_job<Ack>>(
      [device = device_, what, work = std::move(work)](
          const std::vector<lease>& held) -> expected<Ack> {
        auto result = work(held);
        if (!result)
          return tl::unexpected{in_context(
              std::move(result.error()), *device,
              held.empty() ? particle_id{} : held[0].entry->pid, what)};
        return result;
      });
  return submit<Ack>(std::move(pids), std::move(acquire), std::move(job));
}

caf::result<receive_particle_init_ack>
device_worker_state::create(const receive_particle_init_msg& req) {
  auto recipe = recipe_of(req);
  if (!recipe)
    return to_error(
        in_context(std::move(recipe.error()), *device_, req.pid, "create"));
  auto acquire = [this, pid = req.pid, recipe = *recipe] {
    return device_->store.create(pid, recipe);
  };
  auto job = std::make_shared<lane_job<receive_particle_init_ack>>(
      [device = device_, key = req.train_key](const std::vector<lease>& held)
          -> expected<receive_particle_init_ack> {
        auto& entry = *held[0].entry;
        auto seat = settle(held[0], device->store.swaps());
        auto made = seat ? initialize({entry, **seat}, key)
                         : expected<void>{tl::unexpected{seat.error()}};
        if (!made) {
          entry.lost = true;
          return tl::unexpected{in_context(std::move(made.error()), *device,
                                           entry.pid, "create")};
        }
        return receive_particle_init_ack{
            {entry.pid, {}, device->options.device, {}, {}},
            static_cast<std::uint64_t>(
                entry.family->recipe->layout.row_bytes())};
      });
  return submit<receive_particle_init_ack>({req.pid}, std::move(acquire),
                                           std::move(job));
}

caf::result<group_update_ack>
device_worker_state::update_group(const group_update_msg& req) {
  auto rule = group_rules().find(req.name);
  if (!rule)
    return to_error(rule.error());
  std::vector<particle_id> own;
  std::ranges::copy_if(req.pids, std::back_inserter(own), [this](auto pid) {
    return device_->store.contains(pid);
  });
  return on_rows<group_update_ack>(
      std::move(own), "update_group",
      [rule = **rule, req](const std::vector<lease>& held) {
        return move_together(rule, req, held);
      });
}

caf::result<gather_rows_ack>
device_worker_state::gather(const gather_rows_msg& req) {
  return on_rows<gather_rows_ack>(
      req.pids, "gather",
      [](const std::vector<lease>& held) { return gather_particles(held); });
}

caf::result<ascend_ack>
device_worker_state::ascend_rows(const ascend_msg& req) {
  return on_rows<ascend_ack>(
      req.pids, "ascend",
      [directions = req.directions](const std::vector<lease>& held) {
        return ascend_particles(directions, held);
      });
}

caf::result<pin_ack> device_worker_state::pin(const pin_msg& req) {
  // Brought in first if need be; the pin is taken with the lease and stays.
  auto acquire = [this, pid = req.pid] {
    auto got = device_->store.acquire(pid);
    if (got && got->outcome == grant::leased)
      device_->store.pin(pid);
    return got;
  };
  auto job = std::make_shared<lane_job<pin_ack>>(
      [device = device_](const std::vector<lease>& held) -> expected<pin_ack> {
        auto seat = settle(held[0], device->store.swaps());
        if (!seat)
          return tl::unexpected{in_context(std::move(seat.error()), *device,
                                           held[0].entry->pid, "pin")};
        return pin_ack{};
      });
  return submit<pin_ack>({req.pid}, std::move(acquire), std::move(job));
}

caf::result<unpin_ack> device_worker_state::unpin(const unpin_msg& req) {
  if (!device_->store.unpin(req.pid))
    return to_error(in_context({errc::invalid_argument, "it is not pinned"},
                               *device_, req.pid, "unpin"));
  start_waiting(); // somebody may wait for that slot
  return unpin_ack{};
}

status_ack device_worker_state::status() const {
  auto& store = device_->store;
  const auto counters = store.counters();
  const auto& swaps = store.swaps();
  status_ack out;
  out.device = device_->options.device;
  out.lanes = lanes_.size();
  out.particles = store.size();
  out.capacity = store.capacity();
  out.resident = store.resident();
  out.hits = counters.hits;
  out.misses = counters.misses;
  out.evictions = counters.evictions;
  out.bytes_moved = swaps.bytes_moved;
  out.stall_seconds = static_cast<double>(swaps.stall_nanoseconds) * 1e-9;
  return out;
}

void device_worker_state::finished(const lane_done& done) {
  --load_[done.job->lane];
  for (const auto& held : done.job->leases) {
    device_->store.release(held);
    if (held.entry->lost && held.fresh)
      device_->store.remove(held.entry->pid);
  }
  done.job->leases.clear();
  start_waiting();
}

void device_worker_state::start_waiting() {
  // Particles whose turn has not come: what is behind them waits as well.
  std::unordered_set<particle_id> blocked;
  for (auto i = waiting_.begin(); i != waiting_.end();) {
    const bool behind = std::ranges::any_of(
        i->pids, [&](particle_id pid) { return blocked.contains(pid); });
    auto got = behind ? expected<acquisition>{acquisition{grant::busy, {}}}
                      : i->acquire();
    // No slot for this one means none for those behind it either: they would
    // have to push somebody out as well.
    if (got && got->outcome == grant::no_slot)
      return;
    if (got && got->outcome == grant::busy) {
      blocked.insert(i->pids.begin(), i->pids.end());
      ++i;
      continue;
    }
    auto operation = std::move(*i);
    i = waiting_.erase(i);
    for (auto pid : operation.pids)
      if (auto count = waiting_for_.find(pid); --count->second == 0)
        waiting_for_.erase(count);
    if (got)
      operation.start(std::move(got->leases));
    else
      operation.refuse(in_context(std::move(got.error()), *device_,
                                  first_of(operation.pids), "request"));
  }
}

std::size_t device_worker_state::least_loaded() const {
  return static_cast<std::size_t>(std::ranges::min_element(load_)
                                  - load_.begin());
}

expected<std::shared_ptr<const compiled_recipe>>
device_worker_state::recipe_of(const receive_particle_init_msg& req) {
  auto recipe = with_particle(device_->options.recipe, req);
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
device_worker(device_worker_state::self_ptr self, device_worker_options opts) {
  return self->state.make_behavior(std::move(opts));
}

} // namespace posse
