#pragma once

namespace posse {

/// The program: finds the sub-command, runs it, and says in one line what is
/// wrong with a command line.
/// @returns what the process ends with; see exit_code.
int run_program(int argc, char** argv);

/// main(): run_program(), whatever it throws, and the end of the process.
[[noreturn]] void run_program_and_end(int argc, char** argv);

} // namespace posse
