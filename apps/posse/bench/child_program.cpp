#include "apps/posse/bench/child_program.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace posse::bench {

namespace {

tl::unexpected<failure> cannot(const std::string& what) {
  return fail(errc::io_error,
              "bench: cannot " + what + ": " + std::strerror(errno));
}

/// In the child, after fork(): nothing here allocates or locks.
[[noreturn]] void become(char* const* argv, int out) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // not to outlive a parent that crashed
  ::dup2(out, STDOUT_FILENO);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

} // namespace

expected<child_program>
child_program::start(const std::vector<std::string>& args) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return cannot("make a pipe");
  std::vector<std::string> words{"posse"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto pid = ::fork();
  if (pid == 0)
    become(argv.data(), ends[1]);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return cannot("start another process");
  }
  child_program out{pid, ends[0]};
  char c = 0;
  while (::read(out.out_, &c, 1) == 1 && c != '\n')
    out.first_line_ += c;
  if (c != '\n')
    return fail(errc::io_error, "bench: posse " + args.front() + " "
                                    + (args.size() > 1 ? args[1] : "")
                                    + " ended before it was ready");
  return out;
}

child_program::child_program(child_program&& x) noexcept
    : pid_{std::exchange(x.pid_, -1)}, out_{std::exchange(x.out_, -1)},
      first_line_{std::move(x.first_line_)} {}

child_program::~child_program() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(out_);
}

} // namespace posse::bench
