#pragma once

#include "messages/failure.hpp"

#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posse::test {

/// Runs `prepare` and `f` in a child process, where they may give up rights.
/// @returns the message of f's failure, or "no failure".
inline std::string message_in_child(const std::function<void()>& prepare,
                                    const std::function<expected<void>()>& f) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error{"no pipe"};
  auto child = ::fork();
  if (child == 0) {
    prepare();
    auto result = f();
    std::string text = result ? "no failure" : result.error().message;
    auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written < 0 ? 1 : 0); // no destructors of the parent's objects
  }
  ::close(ends[1]);
  std::string message;
  std::array<char, 256> part{};
  ssize_t got = 0;
  while ((got = ::read(ends[0], part.data(), part.size())) > 0)
    message.append(part.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return message;
}

/// Runs `f` where no file may grow beyond `bytes`: like a disk that is full.
/// @returns as message_in_child().
inline std::string
message_on_full_disk(rlim_t bytes, const std::function<expected<void>()>& f) {
  return message_in_child(
      [bytes] {
        std::signal(SIGXFSZ, SIG_IGN); // else it kills instead of failing
        rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
      },
      f);
}

} // namespace posse::test
