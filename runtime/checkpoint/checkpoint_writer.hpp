#pragma once

#include "runtime/checkpoint/manifest.hpp"
#include "runtime/checkpoint/particle_record.hpp"
#include "runtime/core/atomic_directory.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

namespace posse {

/// Writes one checkpoint directory: open(), add_particle() for each particle,
/// commit(). Before commit() the checkpoint that was there is the one that
/// loads, after its success the new one, in between one of the two, whole:
/// also after kill -9 or a power loss. Destroying the writer without a commit
/// leaves no trace.
class checkpoint_writer {
public:
  /// @param directory Its parent exists. One writer at a time.
  /// @returns errc::io_error.
  static expected<checkpoint_writer> open(std::filesystem::path directory);

  /// Writes the particle's file. May be called by several threads at once.
  /// @returns errc::io_error, or errc::invalid_argument for a particle that
  ///   comes twice or a record that write_safetensors() refuses. The checkpoint
  ///   is then lost: commit() answers the same failure.
  expected<void> add_particle(const particle_record& particle);

  /// Makes the checkpoint the one that loads; call it once, after the last
  /// add_particle() has returned.
  /// @returns errc::io_error; or errc::invalid_argument where no particle was
  ///   added or `info` is no UTF-8.
  expected<void> commit(checkpoint_info info);

private:
  /// What the threads share; apart, so that the writer can be moved.
  struct shared_state {
    std::mutex mutex;
    std::map<particle_id, file_digest> particles;
    std::optional<failure> first_failure;
  };

  explicit checkpoint_writer(atomic_directory directory)
      : directory_{std::move(directory)},
        shared_{std::make_unique<shared_state>()} {}
  expected<void> refuse(failure why);

  atomic_directory directory_;
  std::unique_ptr<shared_state> shared_;
};

} // namespace posse
