#pragma once

#include "messages/failure.hpp"
#include "runtime/core/file_descriptor.hpp"

#include <filesystem>
#include <string_view>
#include <variant>

namespace posse {

/// The command that has been typed, to the process that goes on behind it.
class foreground {
public:
  /// Splits the process in two: the one behind goes on with the work, the one
  /// in front waits until that is ready or has ended.
  ///
  /// Forks, so no thread may exist yet. The process behind keeps the standard
  /// streams and stays in the terminal's process group until it leave()s, so
  /// that it can say what is wrong, and Ctrl-C still ends both; all other open
  /// files are closed there.
  ///
  /// @returns behind: the one in front. In front: the exit code, which is
  ///   exit_done after a leave(), whose process id is then on stderr, and else
  ///   that of the process behind.
  static std::variant<foreground, int> split();

  /// Says `ready`, a line, on stdout, lets the process in front end, and stays
  /// behind: in a session of its own, in the folder "/", with stdout and stderr
  /// appended to `log`.
  ///
  /// @param log Empty: what is written is lost.
  /// @returns errc::invalid_argument if `log` cannot be opened, before anything
  ///   is said; errc::io_error if nobody waits in front any more.
  expected<void> leave(std::string_view ready,
                       const std::filesystem::path& log) &&;

private:
  explicit foreground(file_descriptor waiting) : waiting_{std::move(waiting)} {}

  file_descriptor waiting_;
};

} // namespace posse
