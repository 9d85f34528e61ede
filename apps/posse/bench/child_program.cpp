#include "apps/posse/bench/child_program.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posse::bench {

namespace {

tl::unexpected<failure> cannot(const std::string& what) {
  return fail(errc::io_error,
              "bench: cannot " + what + ": " + std::strerror(errno));
}

/// In the child, after fork(): nothing here allocates or locks.
[[noreturn]] void become(const char* program, char* const* argv, int talk) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // not to outlive a parent that crashed
  ::dup2(talk, STDIN_FILENO);
  ::dup2(talk, STDOUT_FILENO);
  ::execvp(program, argv);
  ::_exit(127);
}

struct running {
  pid_t pid;
  int talk;
};

expected<running> launch(const char* program, std::vector<std::string>& words) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return cannot("make a pair of sockets");
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto pid = ::fork();
  if (pid == 0)
    become(program, argv.data(), ends[1]);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return cannot("start another process");
  }
  return running{pid, ends[0]};
}

} // namespace

expected<child_program>
child_program::start_posse(const std::vector<std::string>& args) {
  std::vector<std::string> words{"posse"};
  words.insert(words.end(), args.begin(), args.end());
  auto process = launch("/proc/self/exe", words);
  if (!process)
    return fail(std::move(process));
  std::string name = words.front();
  for (const auto& arg : args)
    name += " " + arg;
  child_program out{process->pid, process->talk, std::move(name)};
  auto line = out.read_line(std::nullopt);
  if (!line)
    return fail(std::move(line));
  out.first_line_ = std::move(*line);
  return out;
}

expected<child_program> child_program::start(std::vector<std::string> words) {
  auto name = words.front();
  auto process = launch(name.c_str(), words);
  if (!process)
    return fail(std::move(process));
  return child_program{process->pid, process->talk, std::move(name)};
}

expected<std::string>
child_program::read_line(std::optional<std::chrono::seconds> patience) {
  std::string line;
  const auto wait_ms =
      patience ? static_cast<int>(std::chrono::milliseconds{*patience}.count())
               : -1;
  for (char c = 0;; line += c) {
    pollfd ready{talk_, POLLIN, 0};
    if (::poll(&ready, 1, wait_ms) == 0)
      return fail(errc::io_error, fmt::format("bench: {} said nothing for {} s",
                                              name_, patience->count()));
    if (::read(talk_, &c, 1) != 1)
      return fail(errc::io_error,
                  fmt::format("bench: {} ended without an answer", name_));
    if (c == '\n')
      return line;
  }
}

expected<std::string> child_program::ask(std::string_view line,
                                         std::chrono::seconds patience) {
  const auto text = fmt::format("{}\n", line);
  // Lines are far shorter than what a socket holds. One that ended gives no
  // answer either.
  (void)::send(talk_, text.data(), text.size(), MSG_NOSIGNAL);
  return read_line(patience);
}

child_program::child_program(child_program&& x) noexcept
    : pid_{std::exchange(x.pid_, -1)}, talk_{std::exchange(x.talk_, -1)},
      name_{std::move(x.name_)}, first_line_{std::move(x.first_line_)} {}

child_program::~child_program() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(talk_);
}

} // namespace posse::bench
