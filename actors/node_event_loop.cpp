#include "actors/node_event_loop.hpp"

#include "actors/courier.hpp"
#include "actors/device_worker.hpp"
#include "actors/load_plugins.hpp"
#include "actors/node_loss.hpp"
#include "actors/particle_state.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/config/load_config.hpp"
#include "runtime/data/data_files.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/device/device_info.hpp"
#include "runtime/placement/store_options.hpp"

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

namespace posse {

namespace {

// A node that has just been attached answers at once.
constexpr std::chrono::seconds connect_patience{5};

/// A dial's answer, which is three things, as the one that counts.
template <class Handle>
struct dialled {
  Handle pending;

  template <class OnAck, class OnError>
  void then(OnAck on_ack, OnError on_error) {
    pending.then([on_ack](const caf::node_id&, caf::strong_actor_ptr& who,
                          const std::set<std::string>&) { on_ack(who); },
                 on_error);
  }
};

std::vector<data_file> files_of(const std::vector<run_file>& wanted) {
  std::vector<data_file> out;
  for (const auto& file : wanted)
    out.push_back({file.path, file.sha256});
  return out;
}

expected<void> check_data(const data_section& section,
                          const std::vector<run_file>& wanted) {
  if (wanted.empty())
    return {};
  return check_data_files(section, files_of(wanted));
}

/// The run's config, once its plugins are loaded here, too.
expected<run_config> config_of(const node_evt_loop_init_msg& req) {
  constexpr const char* name = "run config";
  auto plugins = list_plugins_of(req.config, name);
  if (!plugins)
    return fail(std::move(plugins));
  // Nobody here has seen the resolved config: its lines would say nothing.
  for (std::size_t i = 0; i < plugins->size(); ++i)
    (*plugins)[i].where = "plugins[" + std::to_string(i) + "]";
  if (auto ok = load_plugins(*plugins, files_of(req.plugins)); !ok)
    return fail(std::move(ok));
  return parse_config(req.config, name, {}, registered_names());
}

} // namespace

node_event_loop_actor::behavior_type
node_event_loop_state::make_behavior(node_options opts, driver_actor driver) {
  options_ = std::move(opts);
  driver_ = std::move(driver);
  node_name_ = std::make_shared<const std::string>(options_.name);
  self_->set_down_handler([this](caf::down_msg& down) { gone(down.source); });
  // Whoever ends it ends its run, cleaned up or not: nobody else knows them.
  self_->set_exit_handler([this](caf::exit_msg& told) {
    end_all();
    self_->quit(std::move(told.reason));
  });
  return {
      [this](const node_evt_loop_init_msg& req) { return init(req); },
      [this](const node_evt_loop_cleanup_msg&) { return cleanup(); },
      [this](const nel_broadcast_particles_msg& req) { return broadcast(req); },
      [this](const receive_particle_init_msg& req) { return create(req); },
      [this](const node_status_msg&) {
        return tasks_.answer<node_status_ack>(
            self_, status(), [](expected<node_status_ack> x) { return x; });
      },
  };
}

caf::result<node_evt_loop_init_ack>
node_event_loop_state::init(const node_evt_loop_init_msg& req) {
  if (config_ || initializing_)
    return to_error({errc::invalid_argument,
                     "node " + options_.name + ": a run is attached already"});
  initializing_ = true;
  return tasks_.answer<node_evt_loop_init_ack>(
      self_, meet_and_open(req), [this](expected<node_evt_loop_init_ack> x) {
        initializing_ = false;
        return x;
      });
}

task<node_evt_loop_init_ack>
node_event_loop_state::meet_and_open(node_evt_loop_init_msg req) {
  const auto end = self_->clock().now() + options_.patience;
  std::vector<response<caf::strong_actor_ptr>> met;
  for (const auto& peer : req.peers)
    met.push_back(connect(peer));
  for (std::size_t i = 0; i < met.size(); ++i) {
    auto gate = co_await as_expected(std::move(met[i]));
    // CAF drops a dial that meets a heartbeat's tick, which takes until then.
    while (!gate && gate.error().code == errc::timed_out
           && self_->clock().now() < end)
      gate = co_await as_expected(connect(req.peers[i]));
    if (!gate) { // the driver has reached it: it was there a moment ago
      const auto& [node, host, port] = req.peers[i];
      throw task_failed{node_loss(node, host + ":" + std::to_string(port), {},
                                  "node " + options_.name + " cannot reach it ("
                                      + gate.error().message + ")")};
    }
  }
  co_return value_or_throw(open(req));
}

expected<node_evt_loop_init_ack>
node_event_loop_state::open(const node_evt_loop_init_msg& req) {
  auto here = [this](failure why) {
    if (options_.name != "local")
      why.message = "node " + options_.name + ": " + why.message;
    return tl::unexpected<failure>{std::move(why)};
  };
  auto config = config_of(req);
  if (!config)
    return here(std::move(config.error()));
  if (auto same = check_data(config->data, req.data); !same)
    return here(std::move(same.error()));
  auto data = open_data(*config);
  if (!data)
    return here(std::move(data.error()));
  auto plan = make_run_plan(*config, **data);
  if (!plan)
    return here(std::move(plan.error()));

  const auto& local = options_.resources;
  if (auto there = check_disk_path(local); !there)
    return here(std::move(there.error()));
  auto batches = std::make_shared<batch_source>(
      *data, plan->batch, static_cast<std::uint64_t>(config->run.seed));
  std::optional<trace_clock> trace;
  if (config->run.trace)
    trace = trace_clock::start();
  node_evt_loop_init_ack out{options_.name, {}, {}};
  for (std::size_t i = 0; i < local.devices.size(); ++i) {
    const auto& entry = local.devices[i];
    auto id = parse_device(entry.name);
    if (!id)
      return here(std::move(id.error()));
    if (auto there = check_device(*id); !there)
      return here(std::move(there.error()));
    device_worker_options opts;
    opts.node = options_.name;
    opts.device = entry.name;
    opts.lanes = lanes_on(local, entry);
    opts.recipe = plan->recipe;
    opts.data = batches;
    opts.trace = trace;
    opts.fuse = config->run.fuse == fuse_mode::on;
    opts.views.views = static_cast<std::size_t>(local.view_size);
    auto store = store_options(*config, local, options_.name, entry);
    if (!store)
      return here(std::move(store.error()));
    opts.store = std::move(*store);
    out.devices.push_back({entry.name, static_cast<std::uint64_t>(entry.bytes),
                           static_cast<std::uint32_t>(local.cache_size),
                           static_cast<std::uint32_t>(opts.lanes)});
    auto device = std::make_shared<worker_device>(std::move(opts));
    auto worker = self_->spawn<caf::monitored>(device_worker, device);
    alive_.insert(worker.address());
    devices_.push_back({std::make_shared<const std::string>(entry.name),
                        std::move(device), std::move(worker), 0});
  }
  if (req.driver.courier) {
    view_limit views;
    views.views = static_cast<std::size_t>(local.view_size);
    courier_ = self_->spawn<caf::monitored>(
        courier, courier_options{.node = options_.name,
                                 .patience = options_.patience,
                                 .views = views,
                                 .shared_memory = options_.shared_memory});
    alive_.insert(courier_.address());
    self_->send(courier_, courier_peers{{{req.driver, {}}}});
    out.courier = caf::actor_cast<caf::strong_actor_ptr>(courier_);
  }
  config_ = std::move(*config);
  return out;
}

response<caf::strong_actor_ptr>
node_event_loop_state::connect(const run_peer& peer) {
  auto pending = self_->request(self_->system().middleman().actor_handle(),
                                connect_patience, caf::connect_atom::value,
                                peer.host, peer.port);
  return response<caf::strong_actor_ptr>::from(
      dialled<decltype(pending)>{std::move(pending)});
}

expected<std::size_t>
node_event_loop_state::place(const std::string& device) const {
  if (devices_.empty())
    return fail(errc::invalid_argument,
                "node " + options_.name + ": no run is attached");
  if (device.empty()) {
    auto least = std::ranges::min_element(
        devices_, {}, &node_event_loop_state::device::particles);
    return static_cast<std::size_t>(least - devices_.begin());
  }
  auto named = std::ranges::find_if(
      devices_, [&](const auto& d) { return *d.name == device; });
  if (named == devices_.end())
    return fail(errc::device_unavailable,
                "node " + options_.name + " has no device \"" + device + "\"");
  return static_cast<std::size_t>(named - devices_.begin());
}

caf::result<receive_particle_init_ack>
node_event_loop_state::create(const receive_particle_init_msg& req) {
  auto where = place(req.device);
  if (!where)
    return to_error(where.error());
  ++devices_[*where].particles;
  return tasks_.answer<receive_particle_init_ack>(
      self_, create_on(*where, req),
      [this, where = *where](expected<receive_particle_init_ack> x) {
        if (!x && where < devices_.size())
          --devices_[where].particles;
        return x;
      });
}

task<receive_particle_init_ack>
node_event_loop_state::create_on(std::size_t where,
                                 receive_particle_init_msg req) {
  auto acts = value_or_throw(behaviors().find(req.behaviour.name));
  req.device = *devices_[where].name;
  auto made = co_await response<receive_particle_init_ack>::from(
      self_->request(devices_[where].worker, caf::infinite, req));
  if (where >= devices_.size()) // the run has ended meanwhile
    throw task_failed{{errc::cancelled, "node " + options_.name
                                            + ": the run ended before particle "
                                            + to_string(req.pid) + " began"}};
  const auto& home = devices_[where];
  const auto* state = req.state.get_if<value_dict>();
  auto particle = self_->spawn<caf::monitored>(
      spawn_particle,
      particle_options{req.pid, node_name_, home.name, home.worker, home.shared,
                       driver_, courier_,
                       // Behaviours live as long as the process.
                       std::shared_ptr<const behavior>{
                           std::shared_ptr<const behavior>{}, acts},
                       state == nullptr ? value_dict{} : *state});
  alive_.insert(particle.address());
  particles_.push_back(particle);
  made.particle = {req.pid, options_.name, *home.name,
                   caf::actor_cast<caf::strong_actor_ptr>(particle),
                   caf::actor_cast<caf::strong_actor_ptr>(home.worker)};
  co_return made;
}

nel_broadcast_particles_ack
node_event_loop_state::broadcast(const nel_broadcast_particles_msg& req) {
  auto all = std::make_shared<particle_directory>();
  for (const auto& x : req.particles)
    all->add(x.pid,
             {x.node, x.device, caf::actor_cast<particle_actor>(x.handle),
              caf::actor_cast<device_worker_actor>(x.worker)});
  // Before the answer: whoever hears of it may send what has to be carried.
  if (courier_)
    self_->send(courier_, peers_of(options_.name, req.couriers, req.particles));
  for (const auto& particle : particles_)
    self_->send(particle, directory_update{all});
  return {static_cast<std::uint32_t>(req.particles.size())};
}

task<node_status_ack> node_event_loop_state::status() {
  std::vector<response<status_ack>> asked;
  for (const auto& d : devices_)
    asked.push_back(response<status_ack>::from(
        self_->request(d.worker, caf::infinite, status_msg{})));
  // Two statements: GCC 12 copies the bytes of an aggregate whose initialiser
  // holds a co_await, so that its strings point into the frame that dies.
  node_status_ack out{options_.name, {}};
  out.devices = co_await when_all(std::move(asked));
  co_return out;
}

caf::result<node_evt_loop_cleanup_ack> node_event_loop_state::cleanup() {
  auto promise = self_->make_response_promise<node_evt_loop_cleanup_ack>();
  if (cleaning_) { // whoever asked first gets the answer
    promise.deliver(node_evt_loop_cleanup_ack{0});
    return promise;
  }
  cleaned_ = promise;
  ended_particles_ = static_cast<std::uint32_t>(particles_.size());
  cleaning_ = true;
  end_all();
  end_cleanup_if_all_ended();
  config_.reset();
  return promise;
}

void node_event_loop_state::end_all() {
  // The courier first: its peers learn that this node ends, and not from every
  // particle that something of it has ended. Workers last, for a particle whose
  // worker is gone would complain.
  if (courier_)
    self_->send_exit(courier_, caf::exit_reason::user_shutdown);
  courier_ = nullptr;
  for (const auto& p : particles_)
    self_->send_exit(p, caf::exit_reason::user_shutdown);
  for (const auto& d : devices_)
    self_->send_exit(d.worker, caf::exit_reason::user_shutdown);
  particles_.clear();
  devices_.clear();
}

void node_event_loop_state::gone(const caf::actor_addr& who) {
  alive_.erase(who); // perhaps long before the end of the run
  end_cleanup_if_all_ended();
}

void node_event_loop_state::end_cleanup_if_all_ended() {
  if (!alive_.empty() || !std::exchange(cleaning_, false))
    return;
  cleaned_.deliver(node_evt_loop_cleanup_ack{ended_particles_});
}

node_event_loop_actor::behavior_type
node_event_loop(node_event_loop_state::self_ptr self, node_options opts,
                driver_actor driver) {
  return self->state.make_behavior(std::move(opts), std::move(driver));
}

} // namespace posse
