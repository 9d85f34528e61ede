#include "apps/posse/failure_text.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace posse {

std::string in_one_line(std::string_view text) {
  std::string out;
  bool gap = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      gap = true;
      continue;
    }
    if (gap && c == ' ')
      continue;
    if (gap && !out.empty())
      out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

int complain(const failure& why, exit_code code) {
  fmt::print(stderr, "{}\n", in_one_line(why.message));
  return code;
}

} // namespace posse
