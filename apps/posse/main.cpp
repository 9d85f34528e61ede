#include "apps/posse/failure_text.hpp"
#include "apps/posse/program.hpp"

#include <exception>

int main(int argc, char** argv) {
  try {
    return posse::run_program(argc, argv);
  } catch (const std::exception& error) {
    return posse::complain({posse::errc::backend_error, error.what()},
                           posse::exit_run_failed);
  }
}
