#pragma once

#include "messages/by_name.hpp"
#include "messages/courier_messages.hpp"
#include "messages/inspection.hpp"
#include "messages/particle_id.hpp"

#include <caf/actor_control_block.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What the driver and the nodes say to each other: a node's life, the
/// directory of particles, their creation and their files.
namespace posse {

/// What a node can hold on one of its devices.
struct node_device {
  std::string name;                ///< "cpu:0", "cuda:1", ...
  std::uint64_t capacity_bytes{0}; ///< for particles; 0: no budget.
  std::uint32_t cache_size{0}; ///< particles resident at most; 0: what fits.
  std::uint32_t lanes{0};      ///< particles computed at once.
};

template <class Inspector>
auto inspect(Inspector& f, node_device& x) {
  return f(caf::meta::type_name("node_device"), x.name, x.capacity_bytes,
           x.cache_size, x.lanes);
}

/// A file of the run's data, or one of its plugins.
struct run_file {
  std::string path; ///< Absolute.
  std::string sha256;
};

template <class Inspector>
auto inspect(Inspector& f, run_file& x) {
  return f(caf::meta::type_name("run_file"), x.path, x.sha256);
}

/// Another node of the run.
struct run_peer {
  std::string node;
  std::string host;
  std::uint16_t port{0};
};

template <class Inspector>
auto inspect(Inspector& f, run_peer& x) {
  return f(caf::meta::type_name("run_peer"), x.node, x.host, x.port);
}

/// Driver -> node: prepare for a run.
struct node_evt_loop_init_msg {
  std::string config; ///< The resolved run config (TOML), with absolute paths.
  /// What the driver reads; a node must find the same.
  std::vector<run_file> data;
  /// Nodes to which this one opens a connection of its own.
  std::vector<run_peer> peers;
  courier_address driver; ///< Who brings the driver's requests; none: nobody.
  /// What the driver has loaded of the config's plugins, as with data.
  std::vector<run_file> plugins;
};

template <class Inspector>
auto inspect(Inspector& f, node_evt_loop_init_msg& x) {
  return f(caf::meta::type_name("node_evt_loop_init_msg"), x.config, x.data,
           x.peers, x.driver, x.plugins);
}

/// errc::invalid_config, errc::invalid_data or errc::device_unavailable
/// instead, if the node cannot take part.
struct node_evt_loop_init_ack {
  std::string node;                 ///< The name it has in the config.
  std::vector<node_device> devices; ///< In the config's order.
  caf::strong_actor_ptr courier;    ///< If the driver has one.
};

template <class Inspector>
auto inspect(Inspector& f, node_evt_loop_init_ack& x) {
  return f(caf::meta::type_name("node_evt_loop_init_ack"), x.node, x.devices,
           x.courier);
}

/// Driver -> node: end all particles of the run and release what they hold.
struct node_evt_loop_cleanup_msg {};

template <class Inspector>
auto inspect(Inspector& f, node_evt_loop_cleanup_msg&) {
  return f(caf::meta::type_name("node_evt_loop_cleanup_msg"));
}

/// Sent once nothing of the run is left on the node.
struct node_evt_loop_cleanup_ack {
  std::uint32_t particles{0}; ///< How many it ended.
};

template <class Inspector>
auto inspect(Inspector& f, node_evt_loop_cleanup_ack& x) {
  return f(caf::meta::type_name("node_evt_loop_cleanup_ack"), x.particles);
}

/// Where a particle lives and how to reach it.
struct directory_entry {
  particle_id pid;
  std::string node;
  std::string device;
  caf::strong_actor_ptr handle; ///< Of the particle's actor, on any node.
  caf::strong_actor_ptr worker; ///< Of its device's worker.
};

template <class Inspector>
auto inspect(Inspector& f, directory_entry& x) {
  return f(caf::meta::type_name("directory_entry"), x.pid, x.node, x.device,
           x.handle, x.worker);
}

/// Driver -> node: the directory of all particles, which every node and
/// particle looks others up in. It replaces the one before.
struct nel_broadcast_particles_msg {
  std::vector<directory_entry> particles; ///< In the order of their pids.
  std::vector<courier_address> couriers;  ///< Of the run's nodes.
};

template <class Inspector>
auto inspect(Inspector& f, nel_broadcast_particles_msg& x) {
  return f(caf::meta::type_name("nel_broadcast_particles_msg"), x.particles,
           x.couriers);
}

struct nel_broadcast_particles_ack {
  std::uint32_t particles{0}; ///< How many the node knows now.
};

template <class Inspector>
auto inspect(Inspector& f, nel_broadcast_particles_ack& x) {
  return f(caf::meta::type_name("nel_broadcast_particles_ack"), x.particles);
}

/// Driver -> node: write particles to files, as they are between two steps.
struct nel_save_model_msg {
  std::string path;              ///< A folder, as the node sees it.
  std::vector<particle_id> pids; ///< Of this node; none: all it has.
};

template <class Inspector>
auto inspect(Inspector& f, nel_save_model_msg& x) {
  return f(caf::meta::type_name("nel_save_model_msg"), x.path, x.pids);
}

/// A file that holds one particle.
struct saved_particle {
  particle_id pid;
  std::string path;
  std::uint64_t bytes{0};
  std::string checksum; ///< As in the checkpoint's manifest.
};

template <class Inspector>
auto inspect(Inspector& f, saved_particle& x) {
  return f(caf::meta::type_name("saved_particle"), x.pid, x.path, x.bytes,
           x.checksum);
}

/// Sent once the files are durable; errc::io_error or errc::unknown_particle
/// instead.
struct nel_save_model_ack {
  std::vector<saved_particle> files; ///< In the order of their pids.
};

template <class Inspector>
auto inspect(Inspector& f, nel_save_model_ack& x) {
  return f(caf::meta::type_name("nel_save_model_ack"), x.files);
}

/// Driver -> node -> worker: create a particle.
struct receive_particle_init_msg {
  std::string device; ///< One of the node's.
  particle_id pid;
  by_name optimizer; ///< None for a particle that others move (SVGD).
  by_name scheduler; ///< None: a constant learning rate.
  by_name prior;     ///< On the weights; none: flat.
  /// Seeds the particle's own generator, with which its weights are drawn.
  /// Particles of a run need unlike keys, or they start as equals.
  std::uint64_t train_key{0};
  by_name behaviour; ///< Its handlers.
  value state{value_dict{}};
};

template <class Inspector>
auto inspect(Inspector& f, receive_particle_init_msg& x) {
  return f(caf::meta::type_name("receive_particle_init_msg"), x.device, x.pid,
           x.optimizer, x.scheduler, x.prior, x.train_key, x.behaviour,
           x.state);
}

/// errc::unknown_name (the message lists the known ones),
/// errc::invalid_argument, errc::device_unavailable or errc::out_of_memory
/// instead.
struct receive_particle_init_ack {
  directory_entry particle; ///< A worker leaves the handles out.
  std::uint64_t bytes{0};   ///< What the particle's state takes.
};

template <class Inspector>
auto inspect(Inspector& f, receive_particle_init_ack& x) {
  return f(caf::meta::type_name("receive_particle_init_ack"), x.particle,
           x.bytes);
}

} // namespace posse
