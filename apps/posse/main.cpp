#include "apps/posse/program.hpp"

int main(int argc, char** argv) {
  posse::run_program_and_end(argc, argv);
}
