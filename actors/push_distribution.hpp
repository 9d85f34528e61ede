#pragma once

#include "actors/pfuture.hpp"
#include "actors/progress_board.hpp"
#include "actors/run_plan.hpp"
#include "messages/failure.hpp"
#include "messages/value.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/trace/chrome_trace.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace posse {

/// What one device has done so far.
struct device_report {
  std::string node;
  std::string device;
  std::uint64_t lanes{0};
  std::uint64_t capacity{0};
  std::uint64_t resident{0};
  std::uint64_t hits{0};
  std::uint64_t misses{0};
  std::uint64_t evictions{0};
  std::uint64_t bytes_moved{0};
  double stall_seconds{0};
  std::uint64_t disk_bytes_moved{0};
  std::uint64_t slots_given_up{0}; ///< for want of memory to compute in
  std::uint64_t view_hits{0};
  std::uint64_t view_copies{0};
  std::uint64_t view_bytes{0};
};

/// A distribution over networks, as particles on nodes (PusH's class of that
/// name): the driver's side of a run, for main(), tests and tools. Its verbs
/// block or give futures; they are to be called from one thread at a time.
/// Destroying it ends everything it started.
class push_distribution {
public:
  /// Starts the embedded node with [local] of `config` and prepares it for the
  /// run: data loaded, devices open. A `run.fuse` of "auto" is off here:
  /// choose_fuse() says what it is.
  /// @returns errc::invalid_data, errc::device_unavailable, ...
  static expected<std::unique_ptr<push_distribution>>
  start(const run_config& config);

  ~push_distribution();
  push_distribution(const push_distribution&) = delete;
  push_distribution& operator=(const push_distribution&) = delete;

  const run_plan& plan() const noexcept;

  /// Makes the next particle as the plan says.
  /// @param device One of the config's; empty: where there are fewest.
  /// @param train_key Seeds its random numbers; default: by run seed and pid,
  ///   so that no two particles start alike.
  expected<particle_id> p_create(std::string device = {},
                                 std::optional<std::uint64_t> train_key = {});

  /// Runs the handler `msg` of a particle; the future gives what it returns.
  /// Blocks while the particle owes the answers to `most_launched` of these
  /// (actors/launch_window.hpp), until one is there or cannot come any more: do
  /// not launch more that wait for a later launch.
  pfuture p_launch(particle_id pid, std::string msg, value args = {});
  std::vector<expected<value>> p_wait(std::span<const pfuture> futures);

  std::vector<particle_id> particle_ids() const;
  std::size_t num_particles() const;

  /// A particle's parameters, copied, in the state dict's order.
  expected<std::vector<tensor_blob>> p_parameters(particle_id pid);
  /// The raw outputs [rows, K] for a part of the data set.
  expected<at::Tensor> p_predict(particle_id pid, data_part part);
  /// A particle's whole state; it must be between two handlers.
  expected<particle_snapshot> p_state(particle_id pid);
  expected<void> p_restore(const particle_snapshot& state);
  /// Makes `msg` of a particle answered by the handler `handler`
  /// ("behaviour.MESSAGE").
  expected<void> p_register(particle_id pid, std::string msg,
                            std::string handler, value_dict state = {});

  /// Asks all running handlers to end at their next consistent point (on), or
  /// lets handlers launched from now on run (off).
  void pause(bool on);

  std::map<particle_id, particle_progress> progress() const;
  /// What the particles have told of their learning curves since the start, by
  /// rising step: all of it, for handlers that have ended.
  std::map<particle_id, std::vector<learning_point>> learning() const;
  expected<std::vector<device_report>> devices();
  /// What the devices that have particles recorded so far, if the config says
  /// run.trace; also of a run that has failed, from all that still answer.
  run_trace trace();

private:
  struct impl;
  explicit push_distribution(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace posse
