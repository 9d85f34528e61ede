#pragma once

#include "messages/inspection.hpp"
#include "messages/trace_log.hpp"

#include <cstdint>

namespace posse {

template <class Inspector>
auto inspect(Inspector& f, trace_event& x) {
  return f(caf::meta::type_name("trace_event"), x.row, x.name, x.pid,
           x.particles, x.step, x.begin, x.end);
}

template <class Inspector>
auto inspect(Inspector& f, trace_log& x) {
  return f(caf::meta::type_name("trace_log"), x.rows, x.names, x.events,
           x.total, x.dropped, x.started);
}

/// Driver -> device worker: what it has recorded, if its run is traced.
struct trace_msg {
  std::uint64_t first{0}; ///< The events from this one on, counted from 0.
};

template <class Inspector>
auto inspect(Inspector& f, trace_msg& x) {
  return f(caf::meta::type_name("trace_msg"), x.first);
}

struct trace_ack {
  trace_log log; ///< With as many events as go into one message.
};

template <class Inspector>
auto inspect(Inspector& f, trace_ack& x) {
  return f(caf::meta::type_name("trace_ack"), x.log);
}

} // namespace posse
