#include "actors/particle.hpp"

#include "actors/device_jobs.hpp"
#include "actors/particle_state.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <map>

namespace posse {

namespace {

constexpr std::chrono::milliseconds report_interval{50};

const std::vector<particle_id> nobody;

/// A request that takes itself off `open` when its answer has come.
template <class Ack, class Handle>
class counted_request {
public:
  counted_request(Handle pending, std::size_t& open)
      : pending_{std::move(pending)}, open_{open} {
    ++open_;
  }

  template <class OnAck, class OnError>
  void then(OnAck on_ack, OnError on_error) {
    pending_.then(
        [on_ack, &open = open_](Ack& x) {
          --open;
          on_ack(x);
        },
        [on_error, &open = open_](caf::error& why) {
          --open;
          on_error(why);
        });
  }

private:
  Handle pending_;
  std::size_t& open_; ///< the actor's, which outlives its callbacks
};

expected<particle_cursor> cursor_of(std::uint64_t steps, bool finished) {
  return particle_cursor{static_cast<std::int64_t>(steps), finished};
}

} // namespace

template <class Msg, class Convert>
auto particle_state::on_device(Msg msg, Convert convert) {
  auto job = job_for(*options_.shared, msg);
  using ack = typename decltype(job)::element_type::ack_type;
  using result = typename std::invoke_result_t<Convert, ack>::value_type;
  // What the worker was asked for before goes first.
  if (at_worker_ == 0 && options_.shared->schedule.place_at_once(*job)) {
    const auto& lane = options_.shared->lanes[job->lane];
    return response<result>::template from<ack>(
        self_->request(lane, caf::infinite, lane_work<ack>{std::move(job)}),
        std::move(convert));
  }
  auto pending = self_->request(options_.worker, caf::infinite, std::move(msg));
  return response<result>::template from<ack>(
      counted_request<ack, decltype(pending)>{std::move(pending), at_worker_},
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

response<particle_cursor> particle::finish() {
  return state_.on_device(finish_msg{pid()}, [](finish_ack&& ack) {
    return cursor_of(ack.steps, ack.finished);
  });
}

response<particle_cursor> particle::cursor() {
  return state_.on_device(cursor_msg{pid()}, [](cursor_ack&& ack) {
    return cursor_of(ack.steps, ack.finished);
  });
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
  return response<value>::from<receive_func_ack>(
      state_.self_->request(
          entry->particle, caf::infinite,
          receive_func_msg{to, std::move(msg), std::move(args)}),
      [](receive_func_ack&& ack) {
        return expected<value>{std::move(ack.result)};
      });
}

response<receive_get_ack> particle::get(particle_id of) {
  const auto* entry = state_.directory_ ? state_.directory_->find(of) : nullptr;
  if (entry == nullptr)
    return response<receive_get_ack>::ready(
        fail(errc::unknown_particle, "get: no particle " + to_string(of)));
  return response<receive_get_ack>::from(state_.self_->request(
      entry->worker, caf::infinite, receive_get_msg{pid(), of}));
}

task<value> particle::update_group(std::string name,
                                   std::vector<particle_id> pids, value args) {
  const auto& own = state_.options_.worker;
  group_update_msg order{pids, std::move(name), std::move(args), {}, {}, {}};

  // Rows that lie on other devices come here first: one request a device.
  std::vector<std::pair<device_worker_actor, std::vector<particle_id>>> others;
  for (auto pid : pids) {
    const auto* entry =
        state_.directory_ ? state_.directory_->find(pid) : nullptr;
    if (entry == nullptr)
      co_return fail(errc::unknown_particle,
                     "update_group: no particle " + to_string(pid));
    if (entry->worker == own)
      continue;
    auto group = std::ranges::find(
        others, entry->worker,
        &std::pair<device_worker_actor, std::vector<particle_id>>::first);
    if (group == others.end())
      group = others.insert(others.end(), {entry->worker, {}});
    group->second.push_back(pid);
  }
  std::vector<response<gather_rows_ack>> asked;
  for (const auto& [worker, theirs] : others)
    asked.push_back(response<gather_rows_ack>::from(state_.self_->request(
        worker, caf::infinite, gather_rows_msg{theirs, true})));
  auto gathered = co_await when_all(std::move(asked));
  for (std::size_t i = 0; i < others.size(); ++i) {
    const auto& theirs = others[i].second;
    order.others.insert(order.others.end(), theirs.begin(), theirs.end());
    std::ranges::move(gathered[i].parameters,
                      std::back_inserter(order.parameters));
    std::ranges::move(gathered[i].gradients,
                      std::back_inserter(order.gradients));
  }

  auto moved = co_await response<group_update_ack>::from(
      state_.self_->request(own, caf::infinite, std::move(order)));

  std::vector<response<ascend_ack>> told;
  auto direction = moved.directions.begin();
  for (const auto& [worker, theirs] : others) {
    const auto last = direction + static_cast<std::ptrdiff_t>(theirs.size());
    told.push_back(response<ascend_ack>::from(state_.self_->request(
        worker, caf::infinite,
        ascend_msg{theirs, std::vector<tensor_blob>(direction, last)})));
    direction = last;
  }
  (void)co_await when_all(std::move(told));
  co_return std::move(moved.diagnostics);
}

void particle::register_receive(std::string msg, handler h, value_dict state) {
  state_.registered_[std::move(msg)].push_back(
      std::make_unique<const handler>(std::move(h)));
  for (auto& [key, entry] : state)
    state_.options_.state[key] = std::move(entry);
}

void particle::report(std::int64_t step, std::int64_t steps, double loss) {
  const auto now = std::chrono::steady_clock::now();
  if (!state_.options_.driver
      || (step < steps && now - state_.last_report_ < report_interval))
    return;
  state_.last_report_ = now;
  state_.self_->send(state_.options_.driver,
                     progress_msg{pid(), static_cast<std::uint64_t>(step),
                                  static_cast<std::uint64_t>(steps), loss});
}

} // namespace posse
