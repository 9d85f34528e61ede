#include "apps/posse/background.hpp"

#include "apps/posse/exit_code.hpp"
#include "apps/posse/failure_text.hpp"
#include "runtime/core/io_failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace posse {

namespace {

constexpr const char* nowhere = "/dev/null";
constexpr mode_t log_mode = 0644;

failure no_process(const char* what, int error) {
  return io_failure("a process in the background", what, error);
}

/// Opens those of the standard streams that are closed: what is opened next
/// would take their numbers.
void open_standard_streams() {
  int fd = 0;
  do
    fd = ::open(nowhere, O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    ::close(fd);
}

/// What a shell had open for others is not the daemon's: it would keep locks
/// and pipes that nobody expects it to hold.
void close_all_but(int kept) {
  constexpr auto last = std::numeric_limits<unsigned>::max();
  const auto fd = static_cast<unsigned>(kept);
  constexpr unsigned first = STDERR_FILENO + 1;
  if (fd > first)
    close_range(first, fd - 1, 0);
  close_range(fd + 1, last, 0);
}

/// Whether the other end of the pipe has said that it is ready; false if it
/// ended before.
bool hears_ready(int fd) {
  char word = 0;
  ssize_t got = 0;
  do
    got = ::read(fd, &word, 1);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

/// The exit code of a process that has ended or is about to.
int exit_code_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return complain(no_process("wait for", errno), exit_run_failed);
  if (WIFEXITED(status))
    return WEXITSTATUS(status);
  return complain({errc::actor_down,
                   fmt::format("the daemon was ended by signal {} before it "
                               "was ready",
                               WTERMSIG(status))},
                  exit_run_failed);
}

int wait_in_front(pid_t child, int fd) {
  if (!hears_ready(fd))
    return exit_code_of(child);
  fmt::print(stderr, "pid={}\n", child);
  return exit_done;
}

expected<file_descriptor> open_log(const std::filesystem::path& log) {
  const auto path = log.empty() ? std::filesystem::path{nowhere} : log;
  file_descriptor out{::open(
      path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, log_mode)};
  if (!out.is_open())
    return fail(errc::invalid_argument,
                "--log: " + io_failure(path, "open", errno).message);
  return out;
}

} // namespace

std::variant<foreground, int> foreground::split() {
  open_standard_streams();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return complain(no_process("start", errno), exit_run_failed);
  file_descriptor hearing{ends[0]};
  file_descriptor saying{ends[1]};
  const auto child = fork();
  if (child < 0)
    return complain(no_process("start", errno), exit_run_failed);
  if (child > 0) {
    saying = file_descriptor{}; // else its end would never be noticed
    return wait_in_front(child, hearing.get());
  }
  hearing = file_descriptor{};
  close_all_but(saying.get());
  return foreground{std::move(saying)};
}

expected<void> foreground::leave(std::string_view ready,
                                 const std::filesystem::path& log) && {
  auto written = open_log(log);
  if (!written)
    return fail(std::move(written));
  const file_descriptor empty{::open(nowhere, O_RDONLY | O_CLOEXEC)};
  if (!empty.is_open())
    return io_fail(nowhere, "open", errno);
  fmt::print("{}\n", ready);
  std::fflush(stdout);
  setsid(); // a forked process leads no group: this cannot fail
  if (chdir("/") != 0)
    return io_fail("/", "enter", errno);
  dup2(empty.get(), STDIN_FILENO);
  dup2(written->get(), STDOUT_FILENO);
  dup2(written->get(), STDERR_FILENO);
  const file_descriptor waiting = std::move(waiting_);
  // No SIGPIPE: the daemon has to end its actors.
  std::signal(SIGPIPE, SIG_IGN);
  if (::write(waiting.get(), "r", 1) != 1)
    return fail(errc::io_error, "the command that started the daemon has ended "
                                "before it was ready");
  return {};
}

} // namespace posse
