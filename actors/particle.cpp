#include "actors/particle.hpp"

#include "actors/device_jobs.hpp"
#include "actors/particle_state.hpp"
#include "actors/view_message.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <map>

namespace posse {

namespace {

constexpr std::chrono::milliseconds report_interval{50};

const std::vector<particle_id> nobody;

template <class Ack>
expected<particle_cursor> cursor_of(const Ack& ack) {
  return particle_cursor{static_cast<std::int64_t>(ack.steps), ack.finished,
                         ack.diverged};
}

} // namespace

template <class Msg, class Convert>
auto particle_state::on_device(Msg msg, Convert convert) {
  auto job = job_for(*options_.shared, msg);
  using ack = typename decltype(job)::element_type::ack_type;
  using answer =
      response<typename std::invoke_result_t<Convert, ack>::value_type>;
  const auto* name = job->what;
  auto go = [this, job = std::move(job),
             msg = std::move(msg)](auto on_ack, auto on_error) mutable {
    // What the worker was asked for before goes first.
    if (at_worker_ == 0
        && options_.shared->schedule.place(*job).value_or(false)) {
      const auto& lane = options_.shared->lanes[job->lane];
      self_->request(lane, caf::infinite, lane_work<ack>{std::move(job)})
          .then(std::move(on_ack), std::move(on_error));
      return;
    }
    ++at_worker_;
    self_->request(options_.worker, caf::infinite, std::move(msg))
        .then(
            [this, on_ack = std::move(on_ack)](ack& x) mutable {
              --at_worker_;
              on_ack(x);
            },
            [this, on_error = std::move(on_error)](caf::error& why) mutable {
              --at_worker_;
              on_error(why);
            });
  };
  return answer::template through<ack>(outbox_.to_device(), name, std::move(go),
                                       std::move(convert));
}

template <class Msg>
auto particle_state::on_device(Msg msg) {
  using ack =
      typename decltype(job_for(*options_.shared, msg))::element_type::ack_type;
  return on_device(std::move(msg),
                   [](ack&& x) { return expected<ack>{std::move(x)}; });
}

particle_id particle::pid() const noexcept {
  return state_.options_.pid;
}

const std::string& particle::device() const noexcept {
  return *state_.options_.device;
}

const std::vector<particle_id>& particle::particle_ids() const noexcept {
  return state_.directory_ ? state_.directory_->particle_ids() : nobody;
}

std::vector<particle_id> particle::other_particles() const {
  auto out = particle_ids();
  std::erase(out, pid());
  return out;
}

value_dict& particle::state() noexcept {
  return state_.options_.state;
}

bool particle::paused() const noexcept {
  return state_.paused_;
}

response<step_ack> particle::step(batch_ref batch) {
  return state_.on_device(step_msg{pid(), batch});
}

response<gradient_ack> particle::score(batch_ref batch) {
  return state_.on_device(gradient_msg{pid(), batch});
}

response<tensor_blob> particle::forward(tensor_blob x) {
  return state_.on_device(
      forward_msg{pid(), std::move(x)}, [](forward_ack&& ack) {
        return expected<tensor_blob>{std::move(ack.outputs)};
      });
}

response<validate_ack> particle::validate() {
  return state_.on_device(validate_msg{pid()});
}

response<collect_ack> particle::collect() {
  return state_.on_device(collect_msg{pid()});
}

response<fit_ack> particle::fit() {
  return state_.on_device(fit_msg{pid()});
}

response<transition_ack> particle::transition(std::int64_t leapfrogs,
                                              double wanted,
                                              std::int64_t adaptation) {
  transition_msg order;
  order.pid = pid();
  order.leapfrogs = static_cast<std::uint64_t>(leapfrogs);
  order.wanted = wanted;
  order.adaptation = static_cast<std::uint64_t>(adaptation);
  return state_.on_device(std::move(order));
}

response<particle_cursor> particle::finish() {
  return state_.on_device(finish_msg{pid(), false},
                          [](finish_ack&& ack) { return cursor_of(ack); });
}

response<particle_cursor> particle::give_up() {
  return state_.on_device(finish_msg{pid(), true},
                          [](finish_ack&& ack) { return cursor_of(ack); });
}

response<particle_cursor> particle::cursor() {
  return state_.on_device(cursor_msg{pid()},
                          [](cursor_ack&& ack) { return cursor_of(ack); });
}

response<zero_grad_ack> particle::zero_grad() {
  return state_.on_device(zero_grad_msg{pid()});
}

response<scheduler_step_ack> particle::scheduler_step() {
  return state_.on_device(scheduler_step_msg{pid()});
}

response<value> particle::send(particle_id to, std::string msg, value args) {
  const auto* entry = state_.directory_ ? state_.directory_->find(to) : nullptr;
  if (entry == nullptr)
    return response<value>::ready(
        fail(errc::unknown_particle,
             "send \"" + msg + "\": no particle " + to_string(to)));
  return state_.ask<receive_func_ack>(
      state_.outbox_.to(to), *entry, entry->particle,
      receive_func_msg{to, std::move(msg), std::move(args)},
      [](receive_func_ack&& ack) {
        return expected<value>{std::move(ack.result)};
      });
}

response<particle_view> particle::get(particle_id of) {
  const auto* entry = state_.directory_ ? state_.directory_->find(of) : nullptr;
  if (entry == nullptr)
    return response<particle_view>::ready(
        fail(errc::unknown_particle, "get: no particle " + to_string(of)));
  const auto& options = state_.options_;
  auto local = [of, model = options.shared->model](local_get_ack&& ack) {
    return expected<particle_view>{{of, std::move(ack.view), model}};
  };
  if (entry->worker == options.worker)
    return state_.on_device(local_get_msg{of}, std::move(local));
  auto& window = state_.outbox_.to(of);
  if (entry->node == *options.node)
    return state_.ask_here<local_get_ack>(window, "get", entry->worker,
                                          local_get_msg{of}, std::move(local));
  auto travelled = [of, model = options.shared->model](receive_get_ack&& ack) {
    return to_view(ack).map([&](view_ptr tensors) {
      return particle_view{of, std::move(tensors), model};
    });
  };
  return state_.ask<receive_get_ack>(window, *entry, entry->worker,
                                     receive_get_msg{pid(), of},
                                     std::move(travelled));
}

response<value> particle::on_module(module_function f,
                                    std::optional<batch_ref> batch) {
  return state_.on_device(
      module_msg{pid(), std::move(f), batch},
      [](module_ack&& ack) { return expected<value>{std::move(ack.result)}; });
}

task<value> particle::update_group(std::string name,
                                   std::vector<particle_id> pids, value args) {
  return state_.group_.update(std::move(name), std::move(pids),
                              std::move(args));
}

task<particle_rows_copy> particle::gather(std::vector<particle_id> pids,
                                          bool with_gradients) {
  return state_.group_.gather(std::move(pids), with_gradients);
}

task<value> particle::broadcast(std::vector<particle_id> pids,
                                tensor_blob row) {
  return state_.group_.broadcast(std::move(pids), std::move(row));
}

task<value> particle::all_reduce(std::vector<particle_id> pids, reduction how) {
  return state_.group_.all_reduce(std::move(pids), how);
}

group_member& particle::group() noexcept {
  return state_.group_;
}

void particle::register_receive(std::string msg, handler h, value_dict state) {
  state_.registered_[std::move(msg)].push_back(
      std::make_unique<const handler>(std::move(h)));
  for (auto& [key, entry] : state)
    state_.options_.state[key] = std::move(entry);
}

void particle::report(std::int64_t step, std::int64_t steps, double loss,
                      std::optional<double> validation) {
  state_.tell_progress(step, steps, loss);
  state_.tell_learning(pid(), step, steps, loss, validation);
}

void particle::report_all(std::int64_t step, std::int64_t steps,
                          std::span<const particle_id> pids,
                          std::span<const double> losses) {
  double sum = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    sum += losses[i];
    state_.tell_learning(pids[i], step, steps, losses[i], std::nullopt);
  }
  state_.tell_progress(step, steps, sum / static_cast<double>(losses.size()));
}

void particle_state::tell_progress(std::int64_t step, std::int64_t steps,
                                   double loss) {
  const auto now = std::chrono::steady_clock::now();
  if (!options_.driver
      || (step < steps && now - last_report_ < report_interval))
    return;
  last_report_ = now;
  self_->send(options_.driver,
              progress_msg{options_.pid, static_cast<std::uint64_t>(step),
                           static_cast<std::uint64_t>(steps), loss});
}

void particle_state::tell_learning(particle_id pid, std::int64_t step,
                                   std::int64_t steps, double loss,
                                   std::optional<double> validation) {
  if (!options_.driver || pid.number >= most_learning_curves)
    return;
  if (const auto point = learning_[pid].add(step, steps, loss, validation))
    self_->send(options_.driver,
                learning_msg{pid, static_cast<std::uint64_t>(point->step),
                             point->loss, point->validation.has_value(),
                             point->validation.value_or(0)});
}

} // namespace posse
