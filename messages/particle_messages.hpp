#pragma once

#include "messages/inspection.hpp"
#include "messages/particle_id.hpp"
#include "messages/real64.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What is said to particles, by the driver (`pd`: push distribution) and by
/// each other.
namespace posse {

/// Driver -> node -> particle: answer the message `msg` by a handler known by
/// name from now on.
struct receive_register_msg {
  particle_id pid;
  std::string msg;
  std::string handler;       ///< Its name in the registry of handlers.
  value state{value_dict{}}; ///< What the handler gets beside its arguments.
};

template <class Inspector>
auto inspect(Inspector& f, receive_register_msg& x) {
  return f(caf::meta::type_name("receive_register_msg"), x.pid, x.msg,
           x.handler, x.state);
}

/// errc::unknown_particle or errc::unknown_name instead.
struct receive_register_ack {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, receive_register_ack& x) {
  return f(caf::meta::type_name("receive_register_ack"), x.pid);
}

/// Driver -> particle: run the handler of `msg` (p_launch).
struct receive_func_pd_msg {
  particle_id pid_to;
  std::string msg;
  value args{value_dict{}}; ///< By name, as the handler documents.
};

template <class Inspector>
auto inspect(Inspector& f, receive_func_pd_msg& x) {
  return f(caf::meta::type_name("receive_func_pd_msg"), x.pid_to, x.msg,
           x.args);
}

/// errc::unknown_message, naming the messages that the particle knows, or what
/// its handler failed with, instead.
struct receive_func_pd_ack {
  value result;
};

template <class Inspector>
auto inspect(Inspector& f, receive_func_pd_ack& x) {
  return f(caf::meta::type_name("receive_func_pd_ack"), x.result);
}

/// Particle -> particle: run the handler of `msg` (send).
struct receive_func_msg {
  particle_id pid; ///< The receiver.
  std::string msg;
  value args{value_dict{}}; ///< By name, as the handler documents.
};

template <class Inspector>
auto inspect(Inspector& f, receive_func_msg& x) {
  return f(caf::meta::type_name("receive_func_msg"), x.pid, x.msg, x.args);
}

/// As receive_func_pd_ack.
struct receive_func_ack {
  value result;
};

template <class Inspector>
auto inspect(Inspector& f, receive_func_ack& x) {
  return f(caf::meta::type_name("receive_func_ack"), x.result);
}

/// Particle -> the worker of one on another node: a view of its parameters,
/// gradients and buffers (get).
struct receive_get_msg {
  static constexpr std::uint64_t no_version = ~std::uint64_t{0};

  particle_id pid_caller;
  particle_id pid;
  /// That the caller's node has a copy of already; no_version: none.
  std::uint64_t known_version{no_version};
};

template <class Inspector>
auto inspect(Inspector& f, receive_get_msg& x) {
  return f(caf::meta::type_name("receive_get_msg"), x.pid_caller, x.pid,
           x.known_version);
}

/// errc::unknown_particle instead.
struct receive_get_ack {
  std::vector<tensor_blob> params; ///< In the order of the state dict.
  /// As `params`; an empty tensor [0] for a parameter without a gradient.
  std::vector<tensor_blob> params_grad;
  std::uint64_t version{0}; ///< Grows with each change of any of them.
  bool unchanged{false};    ///< Nothing is sent: the known version is this one.
  value buffers{value_dict{}}; ///< Tensors by their names in the state dict.
};

template <class Inspector>
auto inspect(Inspector& f, receive_get_ack& x) {
  return f(caf::meta::type_name("receive_get_ack"), x.params, x.params_grad,
           x.version, x.unchanged, x.buffers);
}

/// Driver -> worker: the particle's parameters (p_parameters).
struct receive_parameters_msg {
  particle_id pid;
};

template <class Inspector>
auto inspect(Inspector& f, receive_parameters_msg& x) {
  return f(caf::meta::type_name("receive_parameters_msg"), x.pid);
}

/// errc::unknown_particle instead.
struct receive_parameters_ack {
  std::vector<tensor_blob> params; ///< In the order of the state dict.
};

template <class Inspector>
auto inspect(Inspector& f, receive_parameters_ack& x) {
  return f(caf::meta::type_name("receive_parameters_ack"), x.params);
}

/// Driver -> particle: running handlers end at the next step after which the
/// run can go on (`on`), or handlers launched from now on run again.
struct pause_msg {
  particle_id pid;
  bool on{true};
};

template <class Inspector>
auto inspect(Inspector& f, pause_msg& x) {
  return f(caf::meta::type_name("pause_msg"), x.pid, x.on);
}

/// The particle knows; its handlers answer those who launched them.
struct pause_ack {};

template <class Inspector>
auto inspect(Inspector& f, pause_ack&) {
  return f(caf::meta::type_name("pause_ack"));
}

/// Particle -> driver, now and then; no answer.
struct progress_msg {
  particle_id pid;
  std::uint64_t step{0};  ///< Steps done.
  std::uint64_t steps{0}; ///< Steps there are to do; 0: not known.
  real64 loss{0.0};       ///< Of the last batch.
};

template <class Inspector>
auto inspect(Inspector& f, progress_msg& x) {
  return f(caf::meta::type_name("progress_msg"), x.pid, x.step, x.steps,
           x.loss);
}

/// Particle -> driver, at most 200 times a particle; no answer.
struct learning_msg {
  particle_id pid;        ///< Whose point it is: a leader tells those of all.
  std::uint64_t step{0};  ///< Steps done.
  real64 loss{0.0};       ///< Mean of the batches since the point before.
  bool measured{false};   ///< Whether there is a validation score.
  real64 validation{0.0}; ///< Of the validation part; lower is better.
};

template <class Inspector>
auto inspect(Inspector& f, learning_msg& x) {
  return f(caf::meta::type_name("learning_msg"), x.pid, x.step, x.loss,
           x.measured, x.validation);
}

} // namespace posse
