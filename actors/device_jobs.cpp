#include "actors/device_jobs.hpp"

#include "actors/group_job.hpp"
#include "actors/group_work.hpp"
#include "actors/view_message.hpp"
#include "runtime/compute/fit_laplace.hpp"
#include "runtime/compute/hmc.hpp"
#include "runtime/compute/loss_gradients.hpp"
#include "runtime/model/tensor_value.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace posse {

namespace {

template <class Ack, class Work>
job_ptr<Ack> on_slot(worker_device& device, particle_id pid, const char* what,
                     Work work, attempts allowed = attempts::more) {
  return std::make_shared<slot_job<Ack, Work>>(device, pid, what, allowed,
                                               std::move(work));
}

template <class Ack, class Work>
job_ptr<Ack> on_rows(worker_device& device, lane_job_base::pid_list pids,
                     const char* what, row_use use, Work work) {
  return std::make_shared<rows_job<Ack, Work>>(device, std::move(pids), what,
                                               use, std::move(work));
}

/// The same, with the help of the device's other threads.
template <class Ack, class Work>
job_ptr<Ack> on_rows_helped(worker_device& device, lane_job_base::pid_list pids,
                            const char* what, row_use use, Work work) {
  return on_rows<Ack>(device, std::move(pids), what, use,
                      [&device, work = std::move(work)](held_leases held) {
                        const help_scope help{device.help};
                        return work(held);
                      });
}

template <class Ack, class Work>
job_ptr<Ack> in_groups(worker_device& device, particle_id pid, const char* what,
                       const batch_ref& which, Work work) {
  return std::make_shared<group_job<Ack, Work>>(device, pid, what, which,
                                                std::move(work));
}

/// A lone particle has the device's other threads; several have theirs.
helping_threads& help_for(worker_device& device, const seated_particle& p) {
  static helping_threads nobody{0};
  return in_parts(p) ? device.help : nobody;
}

step_ack ack_of(const step_report& done) {
  return {done.loss, static_cast<std::uint64_t>(done.step)};
}

transition_ack transition_of(const hmc_report& done) {
  return {done.accepted, done.step_size, done.potential, done.diverged,
          static_cast<std::uint64_t>(done.step)};
}

/// What becomes of each of a group, as the acks that `convert` makes.
template <class T, class Convert>
auto acks_of(std::vector<expected<T>> results, Convert convert) {
  std::vector<expected<std::invoke_result_t<Convert, T>>> out;
  out.reserve(results.size());
  for (auto& each : results)
    out.push_back(std::move(each).map(convert));
  return out;
}

lane_job_base::pid_list list_of(const std::vector<particle_id>& pids) {
  return {pids.begin(), pids.end()};
}

/// Those of the slice's group that are on this device.
lane_job_base::pid_list own_of(const group_slice& slice) {
  lane_job_base::pid_list out;
  std::ranges::copy_if(slice.pids, std::back_inserter(out), [&](auto pid) {
    return std::ranges::find(slice.others, pid) == slice.others.end();
  });
  return out;
}

expected<forward_ack> forward_of(expected<at::Tensor> outputs) {
  if (!outputs)
    return fail(std::move(outputs));
  auto blob = to_blob(*outputs);
  if (!blob)
    return fail(std::move(blob));
  return forward_ack{std::move(*blob)};
}

std::vector<tensor_blob> blobs_of(std::vector<state_tensor> tensors) {
  std::vector<tensor_blob> out;
  out.reserve(tensors.size());
  for (auto& t : tensors)
    out.push_back(std::move(t.blob));
  return out;
}

/// The view of the one particle of `held`: the one that the device keeps, or a
/// copy that it keeps from now on. A row on disk is read only for the latter.
expected<view_ptr> latest_view(worker_device& device, held_leases held) {
  const auto& entry = *held.front().entry;
  if (auto kept = device.views.find(entry.pid, entry.revision))
    return kept;
  auto there = bring_rows(held, row_use::read);
  auto made = there ? copy_view(entry, row_of(held.front()))
                    : expected<view_ptr>{fail(std::move(there))};
  if (auto back = return_rows(held, row_use::read); !back && made)
    return fail(std::move(back));
  if (made)
    device.views.put(entry.pid, *made);
  return made;
}

// Gives a new particle a slot and its first parameters.
class create_job final : public lane_job<receive_particle_init_ack> {
public:
  create_job(worker_device& device, particle_id pid,
             std::shared_ptr<const compiled_recipe> recipe,
             std::uint64_t train_key)
      : lane_job{device, {pid}, "create"}, recipe_{std::move(recipe)},
        train_key_{train_key} {}

  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    return store.create(pids.front(), recipe_, claim);
  }
  expected<receive_particle_init_ack> compute() override {
    const auto& held = leases.front();
    auto seated = seat();
    auto made = seated ? initialize({*held.entry, **seated}, train_key_)
                       : expected<void>{tl::unexpected{seated.error()}};
    if (!made) {
      held.entry->lost = true;
      return fail(std::move(made));
    }
    return receive_particle_init_ack{
        {pids.front(), {}, device.options.device, {}, {}},
        static_cast<std::uint64_t>(recipe_->layout.row_bytes())};
  }

private:
  std::shared_ptr<const compiled_recipe> recipe_;
  std::uint64_t train_key_;
};

// Brings a particle in, if need be, and keeps it in its slot.
class pin_job final : public lane_job<pin_ack> {
public:
  pin_job(worker_device& device, particle_id pid)
      : lane_job{device, {pid}, "pin"} {}

  expected<acquisition> acquire(particle_store& store,
                                slot_claim claim) override {
    auto got = store.acquire(pids.front(), claim);
    if (got && got->outcome == grant::leased)
      store.pin(pids.front()); // stays when the lease is given back
    return got;
  }
  expected<pin_ack> compute() override {
    auto seated = seat();
    if (!seated)
      return fail(std::move(seated));
    return pin_ack{};
  }
};

} // namespace

job_ptr<step_ack> job_for(worker_device& device, const step_msg& msg) {
  if (device.computes_groups)
    return in_groups<step_ack>(
        device, msg.pid, "step", msg.batch,
        [](seated_particles ps, std::span<const batch> batches) {
          return acks_of(train_group(ps, batches), ack_of);
        });
  auto* data = device.options.data.get(); // lives as long as the device
  return on_slot<step_ack>(
      device, msg.pid, "step",
      [&device, data,
       which = msg.batch](seated_particle p) -> expected<step_ack> {
        auto batch = data->at(which);
        if (!batch)
          return fail(std::move(batch));
        const help_scope help{help_for(device, p)};
        return train_step(p, batch->inputs, batch->targets).map(ack_of);
      });
}

job_ptr<gradient_ack> job_for(worker_device& device, const gradient_msg& msg) {
  if (device.computes_groups)
    return in_groups<gradient_ack>(
        device, msg.pid, "score", msg.batch,
        [](seated_particles ps, std::span<const batch> batches) {
          return acks_of(score_group(ps, batches),
                         [](double loss) { return gradient_ack{loss}; });
        });
  auto* data = device.options.data.get();
  return on_slot<gradient_ack>(
      device, msg.pid, "score",
      [&device, data,
       which = msg.batch](seated_particle p) -> expected<gradient_ack> {
        auto batch = data->at(which);
        if (!batch)
          return fail(std::move(batch));
        const help_scope help{help_for(device, p)};
        auto loss = score(p, batch->inputs, batch->targets);
        if (!loss)
          return fail(std::move(loss));
        return gradient_ack{*loss};
      });
}

job_ptr<forward_ack> job_for(worker_device& device, const forward_msg& msg) {
  return on_slot<forward_ack>(
      device, msg.pid, "forward",
      [x = msg.x](seated_particle p) -> expected<forward_ack> {
        auto inputs = to_tensor(x);
        if (!inputs)
          return fail(std::move(inputs));
        return forward_of(predict(p, *inputs));
      });
}

job_ptr<forward_ack> job_for(worker_device& device,
                             const forward_part_msg& msg) {
  auto* data = device.options.data.get();
  return on_slot<forward_ack>(
      device, msg.pid, "forward", [data, part = msg.part](seated_particle p) {
        return forward_of(predict_part(p, data->data(), part));
      });
}

job_ptr<validate_ack> job_for(worker_device& device, const validate_msg& msg) {
  auto* data = device.options.data.get();
  return on_slot<validate_ack>(
      device, msg.pid, "validate",
      [data](seated_particle p) -> expected<validate_ack> {
        auto report = validate(p, data->data());
        if (!report)
          return fail(std::move(report));
        return validate_ack{report->score, report->improved};
      });
}

job_ptr<collect_ack> job_for(worker_device& device, const collect_msg& msg) {
  return on_slot<collect_ack>(device, msg.pid, "collect",
                              [](seated_particle p) -> expected<collect_ack> {
                                auto count = collect(p);
                                if (!count)
                                  return fail(std::move(count));
                                return collect_ack{
                                    static_cast<std::uint64_t>(*count)};
                              });
}

job_ptr<fit_ack> job_for(worker_device& device, const fit_msg& msg) {
  auto* data = device.options.data.get();
  return on_slot<fit_ack>(
      device, msg.pid, "fit", [data](seated_particle p) -> expected<fit_ack> {
        auto done = fit_laplace(p, data->data());
        if (!done)
          return fail(std::move(done));
        return fit_ack{done->prior_precision, done->log_evidence};
      });
}

job_ptr<transition_ack> job_for(worker_device& device,
                                const transition_msg& msg) {
  auto* data = device.options.data.get();
  return on_slot<transition_ack>(
      device, msg.pid, "transition",
      [&device, data, msg](seated_particle p) -> expected<transition_ack> {
        const help_scope help{help_for(device, p)};
        return hmc_transition(p, data->data(),
                              {static_cast<std::int64_t>(msg.leapfrogs),
                               double{msg.wanted},
                               static_cast<std::int64_t>(msg.adaptation)})
            .map(transition_of);
      });
}

job_ptr<finish_ack> job_for(worker_device& device, const finish_msg& msg) {
  return on_slot<finish_ack>(
      device, msg.pid, "finish",
      [diverged = msg.diverged](seated_particle p) -> expected<finish_ack> {
        if (diverged)
          p.entry.diverged = true;
        else if (!p.entry.finished)
          if (auto r = restore_best(p); !r)
            return fail(std::move(r));
        p.entry.finished = true;
        return finish_ack{static_cast<std::uint64_t>(p.entry.steps), true,
                          p.entry.diverged};
      });
}

job_ptr<zero_grad_ack> job_for(worker_device& device,
                               const zero_grad_msg& msg) {
  return on_slot<zero_grad_ack>(
      device, msg.pid, "zero_grad",
      [](seated_particle p) -> expected<zero_grad_ack> {
        zero_grad(p);
        return zero_grad_ack{};
      });
}

job_ptr<pin_ack> job_for(worker_device& device, const pin_msg& msg) {
  return std::make_shared<pin_job>(device, msg.pid);
}

job_ptr<module_ack> job_for(worker_device& device, const module_msg& msg) {
  auto* data = device.options.data.get();
  auto work = [data, which = msg.batch,
               f = msg.function](seated_particle p) -> expected<module_ack> {
    std::optional<batch> rows;
    if (which) {
      auto found = data->at(*which);
      if (!found)
        return fail(std::move(found));
      // All lanes read these: the function gets its own, which it may write to.
      rows = std::move(*found);
      rows->inputs = rows->inputs.clone();
      rows->targets = rows->targets.clone();
    }
    auto result = run_on_module(p, f, rows ? &*rows : nullptr);
    if (!result)
      return fail(std::move(result));
    return module_ack{std::move(*result)};
  };
  return on_slot<module_ack>(device, msg.pid, "with_module", std::move(work),
                             attempts::one);
}

job_ptr<receive_particle_init_ack>
creation(worker_device& device, particle_id pid,
         std::shared_ptr<const compiled_recipe> recipe,
         std::uint64_t train_key) {
  return std::make_shared<create_job>(device, pid, std::move(recipe),
                                      train_key);
}

job_ptr<cursor_ack> job_for(worker_device& device, const cursor_msg& msg) {
  return on_rows<cursor_ack>(device, {msg.pid}, "cursor", row_use::none,
                             [](held_leases held) -> expected<cursor_ack> {
                               const auto& entry = *held[0].entry;
                               return cursor_ack{
                                   static_cast<std::uint64_t>(entry.steps),
                                   entry.finished, entry.diverged};
                             });
}

job_ptr<scheduler_step_ack> job_for(worker_device& device,
                                    const scheduler_step_msg& msg) {
  return on_rows<scheduler_step_ack>(
      device, {msg.pid}, "scheduler_step", row_use::none,
      [](held_leases held) -> expected<scheduler_step_ack> {
        return scheduler_step_ack{step_schedule(*held[0].entry)};
      });
}

job_ptr<receive_get_ack> job_for(worker_device& device,
                                 const receive_get_msg& msg) {
  return on_rows<receive_get_ack>(
      device, {msg.pid}, "get", row_use::none,
      [&device, known = msg.known_version](
          held_leases held) -> expected<receive_get_ack> {
        if (known == held[0].entry->revision)
          return receive_get_ack{{}, {}, known, true, value_dict{}};
        return latest_view(device, held).map([](const view_ptr& view) {
          return to_ack(*view);
        });
      });
}

job_ptr<local_get_ack> job_for(worker_device& device,
                               const local_get_msg& msg) {
  return on_rows<local_get_ack>(
      device, {msg.pid}, "get", row_use::none, [&device](held_leases held) {
        return latest_view(device, held).map([](view_ptr view) {
          return local_get_ack{std::move(view)};
        });
      });
}

job_ptr<receive_parameters_ack> job_for(worker_device& device,
                                        const receive_parameters_msg& msg) {
  return on_rows<receive_parameters_ack>(
      device, {msg.pid}, "parameters", row_use::read,
      [](held_leases held) -> expected<receive_parameters_ack> {
        auto values = parameters(*held[0].entry, row_of(held[0]));
        if (!values)
          return fail(std::move(values));
        return receive_parameters_ack{blobs_of(std::move(*values))};
      });
}

job_ptr<save_state_ack> job_for(worker_device& device,
                                const save_state_msg& msg) {
  return on_rows<save_state_ack>(
      device, {msg.pid}, "save", row_use::read,
      [](held_leases held) -> expected<save_state_ack> {
        auto state = snapshot(*held[0].entry, row_of(held[0]));
        if (!state)
          return fail(std::move(state));
        return save_state_ack{to_value(std::move(*state))};
      });
}

job_ptr<load_state_ack> job_for(worker_device& device,
                                const load_state_msg& msg) {
  return on_rows<load_state_ack>(
      device, {msg.pid}, "load", row_use::write,
      [state = msg.state](held_leases held) -> expected<load_state_ack> {
        auto from = snapshot_from_value(state);
        if (!from)
          return fail(std::move(from));
        auto done = restore(*held[0].entry, row_of(held[0]), *from);
        if (!done)
          return fail(std::move(done));
        return load_state_ack{};
      });
}

job_ptr<gather_rows_ack> job_for(worker_device& device,
                                 const gather_rows_msg& msg) {
  return on_rows<gather_rows_ack>(
      device, list_of(msg.pids), "gather", row_use::read,
      [msg](held_leases held) { return gather_particles(msg, held); });
}

job_ptr<write_rows_ack> job_for(worker_device& device,
                                const write_rows_msg& msg) {
  return on_rows<write_rows_ack>(
      device, list_of(msg.pids), "write", row_use::write,
      [msg](held_leases held) { return write_particles(msg, held); });
}

job_ptr<reduce_rows_ack> job_for(worker_device& device,
                                 const reduce_rows_msg& msg) {
  return on_rows<reduce_rows_ack>(
      device, {}, "reduce", row_use::none,
      [msg](held_leases) { return reduce_blobs(msg); });
}

job_ptr<group_partial_ack> job_for(worker_device& device,
                                   const group_partial_msg& msg) {
  return on_rows_helped<group_partial_ack>(
      device, own_of(msg.slice), "group_partial", row_use::read,
      [msg](held_leases held) { return partial_of_slice(msg, held); });
}

job_ptr<group_combine_ack> job_for(worker_device& device,
                                   const group_combine_msg& msg) {
  return on_rows<group_combine_ack>(
      device, {}, "group_combine", row_use::none,
      [msg](held_leases) { return combine_partials(msg); });
}

job_ptr<group_directions_ack> job_for(worker_device& device,
                                      const group_directions_msg& msg) {
  return on_rows_helped<group_directions_ack>(
      device, own_of(msg.slice), "group_directions", row_use::write,
      [msg](held_leases held) { return directions_of_slice(msg, held); });
}

job_ptr<ascend_ack> job_for(worker_device& device, const ascend_msg& msg) {
  return on_rows_helped<ascend_ack>(
      device, list_of(msg.pids), "ascend", row_use::write,
      [directions = msg.directions](held_leases held) {
        return ascend_particles(directions, held);
      });
}

job_ptr<group_update_ack> group_update(worker_device& device,
                                       const group_update_msg& msg,
                                       whole_rule rule) {
  auto own = device.schedule.with_store([&](const particle_store& store) {
    lane_job_base::pid_list out;
    std::ranges::copy_if(msg.pids, std::back_inserter(out),
                         [&](auto pid) { return store.contains(pid); });
    return out;
  });
  return on_rows_helped<group_update_ack>(
      device, std::move(own), "update_group", row_use::write,
      [rule = std::move(rule), msg](held_leases held) {
        return move_together(rule, msg, held);
      });
}

} // namespace posse
