#pragma once

#include "messages/failure.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace posse::bench {

/// This program once more, as another process, until the object is destroyed.
class child_program {
public:
  /// Starts it and waits for its first line.
  /// @param args Of its command line, without the program's name.
  /// @returns errc::io_error if it cannot be started or ends without a line.
  static expected<child_program> start(const std::vector<std::string>& args);

  child_program(child_program&& x) noexcept;
  child_program& operator=(child_program&&) = delete;
  /// Tells it to end and waits until it has.
  ~child_program();

  const std::string& first_line() const noexcept { return first_line_; }

private:
  child_program(pid_t pid, int out) : pid_{pid}, out_{out} {}

  pid_t pid_;
  int out_; ///< its stdout
  std::string first_line_;
};

} // namespace posse::bench
