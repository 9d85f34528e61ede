#pragma once

#include "messages/failure.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace posse::bench {

/// Another process, until the object is destroyed; what it reads and writes is
/// ours.
class child_program {
public:
  /// This program once more; waits for its first line.
  /// @param args Of its command line, without the program's name.
  /// @returns errc::io_error if it cannot be started or ends without a line.
  static expected<child_program>
  start_posse(const std::vector<std::string>& args);

  /// Any program, found as a shell finds it.
  /// @param words Its command line; not empty.
  /// @returns errc::io_error if it cannot be started. That there is no such
  ///   program shows at the first line asked for.
  static expected<child_program> start(std::vector<std::string> words);

  child_program(child_program&& x) noexcept;
  child_program& operator=(child_program&&) = delete;
  /// Tells it to end and waits until it has.
  ~child_program();

  /// Of a process of start_posse().
  const std::string& first_line() const noexcept { return first_line_; }

  /// Sends it a line and waits for one.
  /// @returns errc::io_error if it ended, or said nothing for `patience`.
  expected<std::string> ask(std::string_view line,
                            std::chrono::seconds patience);

private:
  child_program(pid_t pid, int talk, std::string name)
      : pid_{pid}, talk_{talk}, name_{std::move(name)} {}

  expected<std::string> read_line(std::optional<std::chrono::seconds> patience);

  pid_t pid_;
  int talk_; ///< a socket: its stdin and stdout
  std::string name_;
  std::string first_line_{};
};

} // namespace posse::bench
