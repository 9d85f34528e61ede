#include "actors/push_distribution.hpp"

#include "actors/courier.hpp"
#include "actors/driver.hpp"
#include "actors/launch_window.hpp"
#include "actors/load_plugins.hpp"
#include "actors/node_event_loop.hpp"
#include "actors/one_answer.hpp"
#include "actors/run_nodes.hpp"
#include "actors/run_placement.hpp"
#include "actors/system_config.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/config/to_toml.hpp"
#include "runtime/core/random.hpp"
#include "runtime/data/data_files.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/model/tensor_value.hpp"
#include "runtime/trace/whole_trace.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace posse {

namespace {

// What a node of another process may take for what the driver asks of it. Its
// end is noticed at once; this is for one that lives and does not answer.
constexpr std::chrono::minutes remote_patience{10};
constexpr std::chrono::seconds cleanup_patience{4};
constexpr std::chrono::seconds trace_patience{10};

// What the driver's courier is called; no node is, for it has a space.
constexpr const char* driver_name = "the driver";

/// `msg` to `to` as an errand that ends in `done(expected<Ack>)`.
template <class Ack, class Handle, class Message, class Done>
errand asking(const Handle& to, Message msg, caf::duration patience,
              Done done) {
  return {
      [to, msg = std::move(msg), patience,
       done](driver_pointer self, std::function<void()> answered) {
        self->request(to, patience, msg)
            .then(
                [done, answered](Ack& x) {
                  answered();
                  done(expected<Ack>{std::move(x)});
                },
                [done, answered](caf::error& why) {
                  answered();
                  done(expected<Ack>{tl::unexpected<failure>{from_error(why)}});
                });
      },
      [done](const failure& why) {
        done(expected<Ack>{tl::unexpected<failure>{why}});
      }};
}

const cluster_section* network_of(const run_config& config) {
  return config.cluster ? &config.cluster->cluster : nullptr;
}

// The embedded node's lanes compute in this process; a cluster's do not.
local_section resources_of(const run_config& config) {
  auto out = config.local;
  if (config.cluster)
    out.lanes = 1;
  return out;
}

} // namespace

struct push_distribution::impl {
  run_config config;
  run_plan plan;
  system_config caf_config;
  caf::actor_system system;
  std::shared_ptr<progress_board> board = std::make_shared<progress_board>();
  caf::scoped_actor self;
  driver_actor director;
  courier_actor carrier; ///< to the nodes' actors; null without a cluster
  std::vector<run_node> nodes;
  std::optional<placement> places; ///< once the nodes are prepared
  std::vector<directory_entry> directory;
  bool announced{true}; ///< every node knows the directory
  /// Shared with the answers, which may come when this is gone.
  std::shared_ptr<launch_window> launches = std::make_shared<launch_window>();

  impl(const run_config& c, run_plan p)
      : config{c}, plan{std::move(p)}, caf_config{resources_of(c),
                                                  network_of(c)},
        system{caf_config}, self{system}, director{
                                              system.spawn(driver, board)} {}

  caf::duration patience() const {
    return config.cluster ? caf::duration{remote_patience} : caf::infinite;
  }

  template <class Ack, class Handle, class Message>
  expected<Ack> ask(const Handle& to, Message msg, caf::duration patience) {
    auto answer = std::make_shared<one_answer<Ack>>();
    self->send(director, asking<Ack>(to, std::move(msg), patience,
                                     [answer](expected<Ack> x) {
                                       answer->set(std::move(x));
                                     }));
    return answer->wait();
  }

  template <class Ack, class Handle, class Message>
  expected<Ack> ask(const Handle& to, Message msg) {
    return ask<Ack>(to, std::move(msg), patience());
  }

  expected<void> find_nodes() {
    if (!config.cluster) {
      run_node here;
      here.handle = system.spawn(
          node_event_loop, node_options{here.name, config.local}, director);
      nodes.push_back(std::move(here));
      return {};
    }
    auto found =
        attach_nodes(system, *config.cluster, config.run.nodes, director);
    if (!found)
      return fail(std::move(found));
    nodes = std::move(*found);
    carrier = system.spawn(
        courier,
        courier_options{
            .node = driver_name,
            .patience =
                std::chrono::milliseconds{config.cluster->cluster.timeout_ms},
            .shared_memory = config.cluster->cluster.shared_memory});
    for (const auto& node : nodes)
      self->send(director,
                 watched_node{node.name,
                              node.host + ":" + std::to_string(node.port),
                              node.handle});
    return {};
  }

  expected<void> prepare_nodes() {
    node_evt_loop_init_msg order{to_toml(config), {}, {}, {}, {}};
    if (config.cluster) {
      order.driver = {driver_name, "its process",
                      caf::actor_cast<caf::strong_actor_ptr>(carrier)};
      auto files = data_files(config.data);
      if (!files)
        return fail(std::move(files));
      for (auto& file : *files)
        order.data.push_back({file.path.string(), std::move(file.sha256)});
      auto plugins = loaded_plugin_files(config.plugins);
      if (!plugins)
        return fail(std::move(plugins));
      for (auto& file : *plugins)
        order.plugins.push_back({file.path.string(), std::move(file.sha256)});
    }
    for (auto& node : nodes) {
      auto ready = ask<node_evt_loop_init_ack>(node.handle, order);
      if (!ready)
        return fail(std::move(ready));
      node.devices = std::move(ready->devices);
      node.courier = {node.name, node.host + ":" + std::to_string(node.port),
                      std::move(ready->courier)};
      // Who comes later connects to those who are there.
      if (node.is_remote())
        order.peers.push_back({node.name, node.host, node.port});
    }
    meet_couriers();
    auto placed = place_run(config, plan, nodes);
    if (!placed)
      return fail(std::move(placed));
    places = std::move(*placed);
    return {};
  }

  std::vector<courier_address> couriers() const {
    std::vector<courier_address> out;
    for (const auto& node : nodes)
      if (node.courier.courier)
        out.push_back(node.courier);
    return out;
  }

  /// Tells this process's courier who its peers are and who lives there.
  void meet_couriers() {
    if (carrier)
      self->send(carrier, peers_of(driver_name, couriers(), directory));
  }

  /// An errand to a particle or its worker, wherever it lives.
  template <class Ack, class Message, class Done>
  void send_errand(const directory_entry& at, const caf::strong_actor_ptr& to,
                   Message msg, Done done) {
    // No deadline: nodes are watched, and couriers watch requests.
    if (carrier)
      self->send(director,
                 asking<Ack>(carrier,
                             parcel<Message>{at.node, to, std::move(msg)},
                             caf::infinite, std::move(done)));
    else
      self->send(director,
                 asking<Ack>(caf::actor_cast<caf::actor>(to), std::move(msg),
                             caf::infinite, std::move(done)));
  }

  template <class Ack, class Message>
  expected<Ack> ask_at(const directory_entry& at,
                       const caf::strong_actor_ptr& to, Message msg) {
    auto answer = std::make_shared<one_answer<Ack>>();
    send_errand<Ack>(at, to, std::move(msg),
                     [answer](expected<Ack> x) { answer->set(std::move(x)); });
    return answer->wait();
  }

  /// Asks the worker of a particle.
  template <class Ack, class Message>
  expected<Ack> ask_worker(particle_id pid, Message msg) {
    auto entry = find(pid);
    if (!entry)
      return fail(std::move(entry));
    return ask_at<Ack>(**entry, (*entry)->worker, std::move(msg));
  }

  /// Asks the worker of a device for a part of its trace: not as an errand,
  /// since these end with the first node that is lost.
  expected<trace_log> ask_trace(const directory_entry& at,
                                std::uint64_t first) {
    expected<trace_log> out;
    const auto take = [&out](auto pending) {
      pending.receive([&out](trace_ack& x) { out = std::move(x.log); },
                      [&out](caf::error& why) {
                        out = tl::unexpected<failure>{from_error(why)};
                      });
    };
    const caf::scoped_actor asker{system};
    if (carrier)
      take(asker->request(
          carrier, caf::duration{trace_patience},
          parcel<trace_msg>{at.node, at.worker, trace_msg{first}}));
    else
      take(asker->request(caf::actor_cast<device_worker_actor>(at.worker),
                          caf::infinite, trace_msg{first}));
    return out;
  }

  /// Where the next particle goes, as `run.placement` says.
  std::pair<const run_node*, std::string> next_place() const {
    const auto at = places->next();
    const auto& node = nodes[at.node];
    return {&node, node.devices[at.device].name};
  }

  expected<const directory_entry*> find(particle_id pid) const {
    if (pid.number >= directory.size())
      return fail(errc::unknown_particle,
                  "no particle " + to_string(pid) + "; there are "
                      + std::to_string(directory.size()));
    return &directory[pid.number];
  }

  expected<void> announce() {
    if (announced)
      return {};
    for (const auto& node : nodes) {
      auto ack = ask<nel_broadcast_particles_ack>(
          node.handle, nel_broadcast_particles_msg{directory, couriers()});
      if (!ack)
        return fail(std::move(ack));
    }
    meet_couriers();
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
  if (auto found = out->impl_->find_nodes(); !found)
    return fail(std::move(found));
  if (auto ready = out->impl_->prepare_nodes(); !ready)
    return fail(std::move(ready));
  return out;
}

push_distribution::~push_distribution() {
  auto& x = *impl_;
  // A node that is lost is given up at once, and its gate clears up by itself.
  for (const auto& node : x.nodes) {
    (void)x.ask<node_evt_loop_cleanup_ack>(
        node.handle, node_evt_loop_cleanup_msg{},
        node.is_remote() ? caf::duration{cleanup_patience} : caf::infinite);
    x.self->send_exit(node.handle, caf::exit_reason::user_shutdown);
  }
  x.self->send_exit(x.director, caf::exit_reason::user_shutdown);
  if (x.carrier)
    x.self->send_exit(x.carrier, caf::exit_reason::user_shutdown);
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
  const auto [node, turn] = x.next_place();
  order.device = device.empty() ? turn : std::move(device);
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
  auto made = x.ask<receive_particle_init_ack>(node->handle, std::move(order));
  if (!made)
    return fail(std::move(made));
  if (auto counted = x.places->add(made->particle.node, made->particle.device);
      !counted)
    return fail(std::move(counted));
  x.self->send(x.director, settled_particle{pid, node->name});
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
  else {
    x.launches->begin(pid);
    x.send_errand<receive_func_pd_ack>(
        **entry, (*entry)->handle,
        receive_func_pd_msg{pid, std::move(msg), std::move(args)},
        [promise, pid,
         launches = x.launches](expected<receive_func_pd_ack> ack) {
          // Who is given up may answer later.
          if (promise.set(ack ? expected<value>{std::move(ack->result)}
                              : fail(std::move(ack))))
            launches->end(pid);
        });
  }
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
  auto ack = impl_->ask_worker<receive_parameters_ack>(
      pid, receive_parameters_msg{pid});
  if (!ack)
    return fail(std::move(ack));
  return std::move(ack->params);
}

expected<at::Tensor> push_distribution::p_predict(particle_id pid,
                                                  data_part part) {
  auto ack = impl_->ask_worker<forward_ack>(pid, forward_part_msg{pid, part});
  if (!ack)
    return fail(std::move(ack));
  return to_tensor(ack->outputs);
}

expected<particle_snapshot> push_distribution::p_state(particle_id pid) {
  auto ack = impl_->ask_worker<save_state_ack>(pid, save_state_msg{pid});
  if (!ack)
    return fail(std::move(ack));
  return snapshot_from_value(ack->state);
}

expected<void> push_distribution::p_restore(const particle_snapshot& state) {
  auto ack = impl_->ask_worker<load_state_ack>(
      state.pid, load_state_msg{state.pid, to_value(state)});
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
  auto ack = impl_->ask_at<receive_register_ack>(
      **entry, (*entry)->handle,
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

std::map<particle_id, std::vector<learning_point>>
push_distribution::learning() const {
  return impl_->board->learning();
}

expected<std::vector<device_report>> push_distribution::devices() {
  std::vector<device_report> out;
  for (const auto& node : impl_->nodes) {
    auto ack = impl_->ask<node_status_ack>(node.handle, node_status_msg{});
    if (!ack)
      return fail(std::move(ack));
    for (const auto& d : ack->devices)
      out.push_back({ack->node, d.device, d.lanes, d.capacity, d.resident,
                     d.hits, d.misses, d.evictions, d.bytes_moved,
                     d.stall_seconds, d.disk_bytes_moved, d.slots_given_up,
                     d.view_hits, d.view_copies, d.view_bytes});
  }
  return out;
}

run_trace push_distribution::trace() {
  auto& x = *impl_;
  run_trace out{x.config.run.name, {}, {}};
  for (const auto& node : x.nodes)
    for (const auto& device : node.devices) {
      const auto at = std::ranges::find_if(x.directory, [&](const auto& each) {
        return each.node == node.name && each.device == device.name;
      });
      if (at == x.directory.end())
        continue;
      auto log = whole_trace(
          [&](std::uint64_t first) { return x.ask_trace(*at, first); });
      if (log)
        out.devices.push_back({node.name, device.name, std::move(*log)});
      else
        out.missing.push_back(node.name + ' ' + device.name + ": "
                              + log.error().message);
    }
  return out;
}

} // namespace posse
