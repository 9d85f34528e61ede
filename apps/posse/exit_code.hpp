#pragma once

namespace posse {

/// What the program ends with; scripts rely on it.
enum exit_code : int {
  exit_done = 0,
  exit_wrong_input = 2, ///< nothing was started and nothing written
  exit_run_failed = 3,
  exit_interrupted = 130, ///< by SIGINT or SIGTERM, after a checkpoint
};

} // namespace posse
