#pragma once

#include "messages/inspection.hpp"
#include "messages/particle_id.hpp"
#include "messages/real64.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What device workers are asked about the rows of several particles at once:
/// to move them together by a rule, alone or with other devices, to read, write
/// or reduce them. All of them fail with errc::unknown_particle for a particle
/// of another worker that came without its rows.
namespace posse {

/// Moves particles together by a rule of the registry ("svgd"), from their
/// parameters and scores. The worker asked moves its own; rows of particles on
/// other devices come with the request, their directions go back in the answer.
/// The result depends on the rows and on the order of `pids` alone.
struct group_update_msg {
  std::vector<particle_id> pids;
  std::string name{"svgd"};
  value args{value_dict{}};
  std::vector<particle_id> others;     ///< Those of `pids` that live elsewhere.
  std::vector<tensor_blob> parameters; ///< One [D] each, as in `others`.
  std::vector<tensor_blob> gradients;  ///< Likewise: their scores.
};

template <class Inspector>
auto inspect(Inspector& f, group_update_msg& x) {
  return f(caf::meta::type_name("group_update_msg"), x.pids, x.name, x.args,
           x.others, x.parameters, x.gradients);
}

/// errc::unknown_name, errc::unknown_particle or errc::non_finite instead.
struct group_update_ack {
  value diagnostics{value_dict{}};     ///< By name: bandwidth, distance, ...
  std::vector<tensor_blob> directions; ///< One [D] each, as in `others`.
};

template <class Inspector>
auto inspect(Inspector& f, group_update_ack& x) {
  return f(caf::meta::type_name("group_update_ack"), x.diagnostics,
           x.directions);
}

/// Some columns of the flat rows; of all kinds of rows the same.
struct row_columns {
  std::uint64_t first{0};
  std::uint64_t width{0}; ///< 0: all from `first` on.
};

template <class Inspector>
auto inspect(Inspector& f, row_columns& x) {
  return f(caf::meta::type_name("row_columns"), x.first, x.width);
}

/// Reads the flat rows of many particles of one worker.
struct gather_rows_msg {
  std::vector<particle_id> pids;
  bool with_gradients{false};
  row_columns columns;
};

template <class Inspector>
auto inspect(Inspector& f, gather_rows_msg& x) {
  return f(caf::meta::type_name("gather_rows_msg"), x.pids, x.with_gradients,
           x.columns);
}

struct gather_rows_ack {
  std::vector<tensor_blob> parameters; ///< One [D] a particle, as in `pids`.
  std::vector<tensor_blob> gradients;  ///< The same; none if not asked for.
};

template <class Inspector>
auto inspect(Inspector& f, gather_rows_ack& x) {
  return f(caf::meta::type_name("gather_rows_ack"), x.parameters, x.gradients);
}

/// Writes columns of the flat rows of many particles of one worker.
/// errc::unknown_particle, or errc::invalid_argument for another number or
/// length of rows.
struct write_rows_msg {
  std::vector<particle_id> pids;
  bool gradients{false}; ///< Into these, not into the parameters.
  row_columns columns;
  std::vector<tensor_blob> rows; ///< As in `pids`; or one, for all of them.
};

template <class Inspector>
auto inspect(Inspector& f, write_rows_msg& x) {
  return f(caf::meta::type_name("write_rows_msg"), x.pids, x.gradients,
           x.columns, x.rows);
}

struct write_rows_ack {};

template <class Inspector>
auto inspect(Inspector& f, write_rows_ack&) {
  return f(caf::meta::type_name("write_rows_ack"));
}

/// Makes one row of several, summed in their order.
struct reduce_rows_msg {
  std::vector<tensor_blob> rows; ///< One [P] each.
  bool mean{false};              ///< Their mean, not their sum.
};

template <class Inspector>
auto inspect(Inspector& f, reduce_rows_msg& x) {
  return f(caf::meta::type_name("reduce_rows_msg"), x.rows, x.mean);
}

struct reduce_rows_ack {
  tensor_blob row;
};

template <class Inspector>
auto inspect(Inspector& f, reduce_rows_ack& x) {
  return f(caf::meta::type_name("reduce_rows_ack"), x.row);
}

/// Some columns of all rows of a group that moves together, at one of the
/// devices that share the work: its own particles' are there, the others' come
/// with the request.
struct group_slice {
  std::vector<particle_id> pids; ///< Of the whole group, in its order.
  std::string name{"svgd"};      ///< Of the rule.
  row_columns columns;
  std::vector<particle_id> others;     ///< Those of `pids` that live elsewhere.
  std::vector<tensor_blob> parameters; ///< One [width] each, as in `others`.
  std::vector<tensor_blob> gradients;  ///< Likewise: their scores.
};

template <class Inspector>
auto inspect(Inspector& f, group_slice& x) {
  return f(caf::meta::type_name("group_slice"), x.pids, x.name, x.columns,
           x.others, x.parameters, x.gradients);
}

/// What this device adds to the group's plan.
struct group_partial_msg {
  group_slice slice;
  std::vector<std::uint64_t> widths; ///< Of the segments in the slice.
};

template <class Inspector>
auto inspect(Inspector& f, group_partial_msg& x) {
  return f(caf::meta::type_name("group_partial_msg"), x.slice, x.widths);
}

struct group_partial_ack {
  tensor_blob partial; ///< [segments, ...]
};

template <class Inspector>
auto inspect(Inspector& f, group_partial_ack& x) {
  return f(caf::meta::type_name("group_partial_ack"), x.partial);
}

/// Makes the plan of what all devices have added.
struct group_combine_msg {
  std::string name{"svgd"};
  value args{value_dict{}};
  std::vector<tensor_blob> partials; ///< In the order of their segments.
};

template <class Inspector>
auto inspect(Inspector& f, group_combine_msg& x) {
  return f(caf::meta::type_name("group_combine_msg"), x.name, x.args,
           x.partials);
}

struct group_combine_ack {
  value plan{value_dict{}};
  value diagnostics{value_dict{}};
  bool needs_whole{false}; ///< No plan: one device has to do it all.
};

template <class Inspector>
auto inspect(Inspector& f, group_combine_ack& x) {
  return f(caf::meta::type_name("group_combine_ack"), x.plan, x.diagnostics,
           x.needs_whole);
}

/// The directions' columns: of this device's particles into their gradient
/// rows, of the others into the answer.
struct group_directions_msg {
  group_slice slice;
  value plan{value_dict{}};
};

template <class Inspector>
auto inspect(Inspector& f, group_directions_msg& x) {
  return f(caf::meta::type_name("group_directions_msg"), x.slice, x.plan);
}

struct group_directions_ack {
  real64 largest{0.0};                 ///< Magnitude among them.
  std::vector<tensor_blob> directions; ///< One [width] each, as in `others`.
};

template <class Inspector>
auto inspect(Inspector& f, group_directions_ack& x) {
  return f(caf::meta::type_name("group_directions_ack"), x.largest,
           x.directions);
}

/// Moves particles along directions, by their own optimizers.
/// errc::unknown_particle, or errc::invalid_argument for another number or
/// length of rows.
struct ascend_msg {
  std::vector<particle_id> pids;
  /// One [D] a particle, as in `pids`: ascent directions of the log posterior.
  /// None: what their gradient rows hold.
  std::vector<tensor_blob> directions;
};

template <class Inspector>
auto inspect(Inspector& f, ascend_msg& x) {
  return f(caf::meta::type_name("ascend_msg"), x.pids, x.directions);
}

struct ascend_ack {};

template <class Inspector>
auto inspect(Inspector& f, ascend_ack&) {
  return f(caf::meta::type_name("ascend_ack"));
}

} // namespace posse
