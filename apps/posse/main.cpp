#include "apps/posse/failure_text.hpp"
#include "apps/posse/program.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace {

int run(int argc, char** argv) {
  try {
    return posse::run_program(argc, argv);
  } catch (const std::exception& error) {
    return posse::complain({posse::errc::backend_error, error.what()},
                           posse::exit_run_failed);
  }
}

} // namespace

int main(int argc, char** argv) {
  const int code = run(argc, argv);
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  // All that is ours has ended. LibTorch would go on to take its thousands of
  // operators out of their tables one by one, a fifth of a short command's
  // time.
  std::quick_exit(code);
}
