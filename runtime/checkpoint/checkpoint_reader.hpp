#pragma once

#include "runtime/checkpoint/manifest.hpp"
#include "runtime/checkpoint/particle_record.hpp"

#include <filesystem>
#include <vector>

namespace posse {

/// Reads a checkpoint directory and believes nothing it does not verify. It
/// writes nothing, and finds the complete checkpoint also where a writer was
/// killed; while one is at work, open() again after a failure.
/// Const members may be called by several threads at once.
class checkpoint_reader {
public:
  /// Reads and verifies the manifest.
  /// @returns errc::io_error where there is no checkpoint or it cannot be read;
  ///   errc::corrupt_checkpoint naming the file and what is wrong.
  static expected<checkpoint_reader>
  open(const std::filesystem::path& directory);

  const checkpoint_info& info() const noexcept { return manifest_.info; }

  /// In ascending order.
  std::vector<particle_id> particle_ids() const;

  /// Reads the particle's file; its tensors share the file's bytes.
  /// @returns errc::unknown_particle; errc::io_error; or
  ///   errc::corrupt_checkpoint naming the file, the size or sha256 expected
  ///   and the one it has.
  expected<particle_record> particle(particle_id pid) const;

private:
  checkpoint_reader(std::filesystem::path directory,
                    checkpoint_manifest manifest)
      : directory_{std::move(directory)}, manifest_{std::move(manifest)} {}

  std::filesystem::path directory_;
  checkpoint_manifest manifest_;
};

} // namespace posse
