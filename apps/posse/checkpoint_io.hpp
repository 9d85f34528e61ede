#pragma once

#include "messages/failure.hpp"
#include "runtime/checkpoint/checkpoint_reader.hpp"
#include "runtime/checkpoint/manifest.hpp"
#include "runtime/checkpoint/particle_record.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/core/sha256.hpp"

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace posse {

/// A particle's state as one file of a checkpoint: parameters under their plain
/// names, so that PyTorch can load them, the others under theirs, the cursor
/// as text.
particle_record to_record(const particle_snapshot& state);

/// The inverse. @returns errc::corrupt_checkpoint naming what is missing.
expected<particle_snapshot> to_snapshot(const particle_record& record);

/// The two fingerprints of a run's state, particle by particle in pid order.
class state_fingerprint {
public:
  /// @returns errc::backend_error.
  expected<void> add(const particle_snapshot& state);

  /// Of all parameters' bytes, in the state dict's order.
  std::string parameters() const { return parameters_.hex(); }
  /// Of each particle's parameters, other tensors and encoded cursor.
  std::string all() const { return all_.hex(); }

private:
  sha256 parameters_;
  sha256 all_;
};

/// What a pass over all particles' states found.
struct saved_state {
  std::string parameters_sha256;
  std::string state_sha256;
  std::int64_t particle_steps{0}; ///< steps done, summed over the particles
  bool finished{true};            ///< all of them are trained
};

using state_source = std::function<expected<particle_snapshot>(particle_id)>;
using info_maker = std::function<checkpoint_info(const saved_state&)>;

/// Writes a checkpoint, one particle after the other: only one snapshot is in
/// memory at a time.
///
/// @param pids In ascending order.
/// @param info What the manifest shall say of a state.
/// @returns errc::io_error, or what `source` fails with; the checkpoint that
///   was there stays.
expected<saved_state> save_checkpoint(const std::filesystem::path& directory,
                                      std::span<const particle_id> pids,
                                      const state_source& source,
                                      const info_maker& info);

} // namespace posse
