#include "actors/node_daemon.hpp"

#include "actors/node_gate.hpp"
#include "actors/own_hello.hpp"
#include "actors/run_nodes.hpp"
#include "actors/system_config.hpp"
#include "messages/caf_errors.hpp"
#include "runtime/core/registry.hpp"

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <condition_variable>
#include <mutex>

namespace posse {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds stop_dial{2000};
constexpr milliseconds stop_patience{5000};

/// What tells the main thread that it may end.
class stop_bell {
public:
  void ring() {
    const std::lock_guard lock{mutex_};
    rung_ = true;
    changed_.notify_all();
  }
  bool wait_for(milliseconds patience) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [this] { return rung_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_{false};
};

expected<const node_entry*> find(const cluster_config& cluster,
                                 const std::string& name) {
  if (const auto* node = cluster.find_node(name))
    return node;
  std::vector<std::string> known;
  for (const auto& node : cluster.nodes)
    known.push_back(node.name);
  return tl::unexpected<failure>{unknown_name("node", name, known)};
}

} // namespace

struct node_daemon::impl {
  system_config caf_config;
  caf::actor_system system;
  node_gate_actor gate;
  std::shared_ptr<stop_bell> bell = std::make_shared<stop_bell>();
  std::uint16_t port{0};

  impl(const cluster_config& cluster, const node_entry& node)
      : caf_config{node.resources, &cluster.cluster}, system{caf_config} {}
};

node_daemon::node_daemon(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

expected<std::unique_ptr<node_daemon>>
node_daemon::start(const cluster_config& cluster, const std::string& name) {
  auto node = find(cluster, name);
  if (!node)
    return fail(std::move(node));
  auto self = own_hello(cluster, name);
  if (!self)
    return fail(std::move(self));
  auto x = std::make_unique<impl>(cluster, **node);
  x->gate = x->system.spawn(
      node_gate, node_gate_options{std::move(*self),
                                   {name, (*node)->resources,
                                    milliseconds{cluster.cluster.timeout_ms},
                                    cluster.cluster.shared_memory},
                                   [bell = x->bell] { bell->ring(); }});
  std::unique_ptr<node_daemon> out{new node_daemon{std::move(x)}};
  // Reused: a port is not lost for minutes to the daemon before.
  constexpr bool reuse = true;
  auto port = out->impl_->system.middleman().publish(
      out->impl_->gate, static_cast<std::uint16_t>((*node)->port),
      (*node)->host.c_str(), reuse);
  if (!port)
    return fail(errc::invalid_config, "node " + name + ": cannot listen on "
                                          + (*node)->host + ":"
                                          + std::to_string((*node)->port)
                                          + ": is another process using it?");
  out->impl_->port = *port;
  return out;
}

node_daemon::~node_daemon() {
  // A gate that was never spawned has no run either.
  if (!impl_->gate)
    return;
  caf::anon_send_exit(impl_->gate, caf::exit_reason::user_shutdown);
  caf::scoped_actor self{impl_->system};
  self->wait_for(impl_->gate);
}

std::uint16_t node_daemon::port() const noexcept {
  return impl_->port;
}

bool node_daemon::wait_for_stop(milliseconds patience) const {
  return impl_->bell->wait_for(patience);
}

expected<void> stop_node(const cluster_config& cluster,
                         const std::string& name) {
  auto node = find(cluster, name);
  if (!node)
    return fail(std::move(node));
  auto from = own_hello(cluster, name);
  if (!from)
    return fail(std::move(from));
  system_config caf_config{local_section{}, &cluster.cluster};
  caf::actor_system system{caf_config};
  auto gate = dial(system, **node, stop_dial);
  if (!gate)
    return fail(std::move(gate));
  caf::scoped_actor self{system};
  self->monitor(*gate);
  expected<void> out;
  self->request(*gate, stop_patience, node_stop_msg{std::move(*from)})
      .receive([](const node_stop_ack&) {},
               [&](const caf::error& why) {
                 out = tl::unexpected<failure>{from_error(why)};
               });
  if (!out)
    return out;
  // The gate's end is the end of the daemon, or nearly so.
  bool gone = false;
  self->receive([&](const caf::down_msg&) { gone = true; },
                caf::after(stop_patience) >> [] {});
  if (!gone)
    return fail(errc::timed_out, "node " + name
                                     + " was asked to end and has "
                                       "not");
  return {};
}

} // namespace posse
