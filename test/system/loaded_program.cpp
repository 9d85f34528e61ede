// posse that is loaded already: runs the commands that come through the socket
// on its stdin, one after the other, each in a process forked from this one. To
// load LibTorch takes most of a short command's time, and here it is done once.
//
// A request is one packet, the folder to work in and posse's arguments with a
// NUL after each, and carries the descriptors for stdout and stderr. The
// answers are two packets: the process's id, and at its end what waitpid() says
// of it.
#include "apps/posse/program.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int requests = STDIN_FILENO;
constexpr std::size_t most_bytes = std::size_t{128} << 10;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::_Exit(EXIT_FAILURE);
}

struct request {
  std::string folder;
  std::vector<std::string> arguments;
  std::array<int, 2> outputs{};
};

/// @returns whether there was another one.
bool receive(request& out) {
  std::string text(most_bytes, '\0');
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(out.outputs))> control{};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control.data();
  packet.msg_controllen = control.size();
  const auto got = recvmsg(requests, &packet, MSG_CMSG_CLOEXEC);
  if (got < 0)
    fail("recvmsg");
  const auto* held = CMSG_FIRSTHDR(&packet);
  if (got == 0 || held == nullptr || (packet.msg_flags & MSG_TRUNC) != 0)
    return false;
  std::memcpy(out.outputs.data(), CMSG_DATA(held), sizeof(out.outputs));
  out.arguments.clear();
  for (auto* at = text.data(); at < text.data() + got;) {
    out.arguments.emplace_back(at);
    at += out.arguments.back().size() + 1;
  }
  out.folder = out.arguments.front();
  out.arguments.front() = "posse";
  return true;
}

/// What the harness's other processes are: of a group of their own, without
/// input, ended with their parent.
[[noreturn]] void become(request& mine) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  if (std::freopen("/dev/null", "r", stdin) == nullptr
      || dup2(mine.outputs[0], STDOUT_FILENO) < 0
      || dup2(mine.outputs[1], STDERR_FILENO) < 0
      || chdir(mine.folder.c_str()) != 0)
    fail("loaded_program");
  std::vector<char*> words;
  for (auto& each : mine.arguments)
    words.push_back(each.data());
  words.push_back(nullptr);
  posse::run_program_and_end(static_cast<int>(words.size()) - 1, words.data());
}

void answer(int number) {
  if (send(requests, &number, sizeof(number), MSG_NOSIGNAL) < 0)
    fail("send");
}

} // namespace

int main() {
  for (request next; receive(next);) {
    const auto child = fork();
    if (child < 0)
      fail("fork");
    if (child == 0)
      become(next);
    for (const auto each : next.outputs)
      close(each);
    answer(child);
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
      if (errno != EINTR)
        fail("waitpid");
    answer(status);
  }
}
