#pragma once

#include "messages/failure.hpp"
#include "runtime/core/file_descriptor.hpp"

#include <cstdint>
#include <filesystem>

namespace posse {

/// Where things are in a RUN_DIR.
struct run_files {
  std::filesystem::path root;

  std::filesystem::path config() const { return root / "config.toml"; }
  std::filesystem::path log() const { return root / "log.jsonl"; }
  std::filesystem::path result() const { return root / "result.json"; }
  std::filesystem::path predictions() const { return root / "predictions.csv"; }
  std::filesystem::path learning() const { return root / "learning.csv"; }
  std::filesystem::path report() const { return root / "report.html"; }
  std::filesystem::path trace() const { return root / "trace.json"; }
  std::filesystem::path checkpoint() const { return root / "checkpoint"; }
  std::filesystem::path lock() const { return root / ".lock"; }
};

/// What to do with a RUN_DIR that holds something.
enum class existing_run : std::uint8_t {
  refuse,
  overwrite, ///< remove what posse wrote there, and only that
  resume,    ///< go on from its checkpoint
};

/// The output directory of one run. check() tells whether a run may have it
/// and writes nothing; create() makes it and holds its lock until the object
/// is destroyed, so that two runs never share it.
class run_directory {
public:
  /// Refuses, each with a sentence of its own: a path that is, or lies in, a
  /// file; a directory that may not be written; one that is not empty, with
  /// `refuse`; one that is not empty and no RUN_DIR, with `overwrite`; one
  /// without a checkpoint, with `resume`.
  /// @returns errc::invalid_config.
  static expected<run_directory> check(std::filesystem::path root,
                                       existing_run mode);

  /// Creates the directory and its parents durably, takes the lock, checks
  /// again, and removes an earlier run (`overwrite`) or what a killed process
  /// left half-written (`resume`). Call it once.
  /// @returns errc::invalid_config where another run holds the lock or check()
  ///   would refuse by now; errc::io_error.
  expected<void> create();

  const run_files& files() const noexcept { return files_; }

private:
  run_directory(run_files files, existing_run mode)
      : files_{std::move(files)}, mode_{mode} {}
  expected<void> take_lock();
  expected<void> sign_lock() const;

  run_files files_;
  existing_run mode_;
  file_descriptor lock_; ///< the flock ends when it is closed
};

} // namespace posse
