#pragma once

#include "runtime/compute/fuse_trial.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace posse {

/// Remembers on this machine what trials measured, so that a run that is
/// started again computes as it did before. A file that cannot be read or
/// written, or that something else has written, is as good as none: trials are
/// made again.
class trial_cache {
public:
  /// In no file: nothing is remembered.
  trial_cache() = default;
  explicit trial_cache(std::filesystem::path file) : file_{std::move(file)} {}

  /// `posse/trials.json` in $XDG_CACHE_HOME, or in $HOME/.cache; without
  /// either, nothing is remembered.
  static trial_cache of_user();

  /// @param key Says all that a trial depends on, for people to read.
  std::optional<fuse_trial> find(const std::string& key) const;

  /// Adds it; of very many, forgets the oldest. The last one to write wins.
  void remember(const std::string& key, const fuse_trial& trial) const;

private:
  std::filesystem::path file_; ///< empty: none
};

} // namespace posse
