#include "actors/push_distribution.hpp"

#include "actors/driver.hpp"
#include "actors/node_event_loop.hpp"
#include "messages/caf_errors.hpp"
#include "messages/register_messages.hpp"
#include "runtime/config/to_toml.hpp"
#include "runtime/core/random.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/model/tensor_value.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <thread>

namespace posse {

namespace {

// As many threads as lanes. One more would not help: a message waits for a lane
// at most, while a thread without work takes every other message to another
// core (a round trip between particles: 1.1 us without, 1.7 us with it).
std::size_t scheduler_threads(const local_section& local) {
  const auto cores = std::max(std::thread::hardware_concurrency(), 1U);
  return local.lanes > 0
             ? static_cast<std::size_t>(local.lanes) * local.devices.size()
             : std::max<std::size_t>(cores, local.devices.size());
}

class system_config : public caf::actor_system_config {
public:
  explicit system_config(const local_section& local) {
    register_messages(*this);
    set("scheduler.policy", caf::atom("stealing"));
    set("scheduler.max-threads", scheduler_threads(local));
  }
};

} // namespace

struct push_distribution::impl {
  run_config config;
  run_plan plan;
  system_config caf_config;
  caf::actor_system system;
  std::shared_ptr<progress_board> board = std::make_shared<progress_board>();
  caf::scoped_actor self;
  driver_actor director;
  node_event_loop_actor node;
  std::vector<directory_entry> directory;
  bool announced{true}; ///< every node knows the directory

  impl(const run_config& c, run_plan p)
      : config{c}, plan{std::move(p)}, caf_config{c.local}, system{caf_config},
        self{system}, director{system.spawn(driver, board)},
        node{system.spawn(node_event_loop, node_options{"local", c.local},
                          director)} {}

  template <class Ack, class Handle, class Message>
  expected<Ack> ask(const Handle& to, Message msg) {
    expected<Ack> out{tl::unexpected<failure>{
        failure{errc::actor_down, "the actor asked is gone"}}};
    self->request(to, caf::infinite, std::move(msg))
        .receive([&](Ack& x) { out = std::move(x); },
                 [&](caf::error& why) {
                   out = tl::unexpected<failure>{from_error(why)};
                 });
    return out;
  }

  expected<const directory_entry*> find(particle_id pid) const {
    if (pid.number >= directory.size())
      return fail(errc::unknown_particle,
                  "no particle " + to_string(pid) + "; there are "
                      + std::to_string(directory.size()));
    return &directory[pid.number];
  }

  expected<device_worker_actor> worker_of(particle_id pid) const {
    auto entry = find(pid);
    if (!entry)
      return fail(std::move(entry));
    return caf::actor_cast<device_worker_actor>((*entry)->worker);
  }

  expected<void> announce() {
    if (announced)
      return {};
    auto ack = ask<nel_broadcast_particles_ack>(
        node, nel_broadcast_particles_msg{directory});
    if (!ack)
      return fail(std::move(ack));
    announced = true;
    return {};
  }
};

push_distribution::push_distribution(std::unique_ptr<impl> x)
    : impl_{std::move(x)} {}

expected<std::unique_ptr<push_distribution>>
push_distribution::start(const run_config& config) {
  auto data = open_data(config);
  if (!data)
    return fail(std::move(data));
  auto plan = make_run_plan(config, **data);
  if (!plan)
    return fail(std::move(plan));
  auto x = std::make_unique<impl>(config, std::move(*plan));
  std::unique_ptr<push_distribution> out{new push_distribution{std::move(x)}};
  auto ready = out->impl_->ask<node_evt_loop_init_ack>(
      out->impl_->node, node_evt_loop_init_msg{to_toml(config)});
  if (!ready)
    return fail(std::move(ready));
  return out;
}

push_distribution::~push_distribution() {
  auto& x = *impl_;
  (void)x.ask<node_evt_loop_cleanup_ack>(x.node, node_evt_loop_cleanup_msg{});
  x.self->send_exit(x.node, caf::exit_reason::user_shutdown);
  x.self->send_exit(x.director, caf::exit_reason::user_shutdown);
  x.directory.clear();
}

const run_plan& push_distribution::plan() const noexcept {
  return impl_->plan;
}

expected<particle_id>
push_distribution::p_create(std::string device,
                            std::optional<std::uint64_t> train_key) {
  auto& x = *impl_;
  const particle_id pid{static_cast<std::uint32_t>(x.directory.size())};
  const auto& recipe = x.plan.recipe;
  receive_particle_init_msg order;
  order.device = std::move(device);
  order.pid = pid;
  order.optimizer = {recipe.optimizer.kind, recipe.optimizer.to_value()};
  order.scheduler = {recipe.schedule,
                     value_dict{{"total_steps", recipe.total_steps}}};
  order.prior = {recipe.weights_prior.kind == prior_kind::flat ? "flat"
                                                               : "normal",
                 value_dict{{"std", recipe.weights_prior.std}}};
  order.train_key = train_key.value_or(derive_seed(
      static_cast<std::uint64_t>(x.config.run.seed), pid, "particle"));
  order.behaviour = {x.plan.behavior,
                     value_dict{{"keep_best", recipe.keep_best}}};
  auto made = x.ask<receive_particle_init_ack>(x.node, std::move(order));
  if (!made)
    return fail(std::move(made));
  x.directory.push_back(std::move(made->particle));
  x.announced = false;
  return pid;
}

pfuture push_distribution::p_launch(particle_id pid, std::string msg,
                                    value args) {
  auto& x = *impl_;
  pfuture::promise promise;
  auto entry = x.find(pid);
  if (auto told = x.announce(); !told || !entry)
    promise.set(tl::unexpected<failure>{!entry ? entry.error() : told.error()});
  else
    x.self->send(x.director,
                 launch_order{caf::actor_cast<particle_actor>((*entry)->handle),
                              {pid, std::move(msg), std::move(args)},
                              promise});
  return promise.future();
}

std::vector<expected<value>>
push_distribution::p_wait(std::span<const pfuture> futures) {
  return wait_all(futures);
}

std::vector<particle_id> push_distribution::particle_ids() const {
  std::vector<particle_id> out;
  for (const auto& entry : impl_->directory)
    out.push_back(entry.pid);
  return out;
}

std::size_t push_distribution::num_particles() const {
  return impl_->directory.size();
}

expected<std::vector<tensor_blob>>
push_distribution::p_parameters(particle_id pid) {
  auto worker = impl_->worker_of(pid);
  if (!worker)
    return fail(std::move(worker));
  auto ack =
      impl_->ask<receive_parameters_ack>(*worker, receive_parameters_msg{pid});
  if (!ack)
    return fail(std::move(ack));
  return std::move(ack->params);
}

expected<at::Tensor> push_distribution::p_predict(particle_id pid,
                                                  data_part part) {
  auto worker = impl_->worker_of(pid);
  if (!worker)
    return fail(std::move(worker));
  auto ack = impl_->ask<forward_ack>(*worker, forward_part_msg{pid, part});
  if (!ack)
    return fail(std::move(ack));
  return to_tensor(ack->outputs);
}

expected<particle_snapshot> push_distribution::p_state(particle_id pid) {
  auto worker = impl_->worker_of(pid);
  if (!worker)
    return fail(std::move(worker));
  auto ack = impl_->ask<save_state_ack>(*worker, save_state_msg{pid});
  if (!ack)
    return fail(std::move(ack));
  return snapshot_from_value(ack->state);
}

expected<void> push_distribution::p_restore(const particle_snapshot& state) {
  auto worker = impl_->worker_of(state.pid);
  if (!worker)
    return fail(std::move(worker));
  auto ack = impl_->ask<load_state_ack>(
      *worker, load_state_msg{state.pid, to_value(state)});
  if (!ack)
    return fail(std::move(ack));
  return {};
}

expected<void> push_distribution::p_register(particle_id pid, std::string msg,
                                             std::string handler,
                                             value_dict state) {
  auto entry = impl_->find(pid);
  if (!entry)
    return fail(std::move(entry));
  auto ack = impl_->ask<receive_register_ack>(
      caf::actor_cast<particle_actor>((*entry)->handle),
      receive_register_msg{pid, std::move(msg), std::move(handler),
                           std::move(state)});
  if (!ack)
    return fail(std::move(ack));
  return {};
}

void push_distribution::pause(bool on) {
  for (const auto& entry : impl_->directory)
    impl_->self->send(caf::actor_cast<particle_actor>(entry.handle),
                      pause_msg{entry.pid, on});
}

std::map<particle_id, particle_progress> push_distribution::progress() const {
  return impl_->board->snapshot();
}

expected<std::vector<device_report>> push_distribution::devices() {
  auto ack = impl_->ask<node_status_ack>(impl_->node, node_status_msg{});
  if (!ack)
    return fail(std::move(ack));
  std::vector<device_report> out;
  for (const auto& d : ack->devices)
    out.push_back({ack->node, d.device, d.lanes, d.capacity, d.resident, d.hits,
                   d.misses, d.evictions, d.bytes_moved, d.stall_seconds});
  return out;
}

} // namespace posse
