#include "apps/posse/program.hpp"

#include "apps/posse/bench_command.hpp"
#include "apps/posse/compare_command.hpp"
#include "apps/posse/config_command.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/node_command.hpp"
#include "apps/posse/plan_command.hpp"
#include "apps/posse/predict_command.hpp"
#include "apps/posse/report_command.hpp"
#include "apps/posse/run_command.hpp"
#include "messages/version.hpp"
#include "runtime/core/nearest_name.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace posse {

namespace {

/// The sub-command that was parsed last: "posse config print".
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& app) {
  const auto* parent = app.get_parent();
  return parent == nullptr ? app.get_name()
                           : full_name(*parent) + ' ' + app.get_name();
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* each :
       app.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(each->get_name());
  return out;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* each : app.get_options())
    for (const auto& name : each->get_lnames())
      out.push_back("--" + name);
  return out;
}

/// What is wrong with the command line, in one line.
std::string describe(const CLI::App& app, const CLI::ParseError& error) {
  const auto& place = innermost(app);
  const auto left = app.remaining(true);
  const auto commands = commands_of(place);
  std::string out = full_name(place) + ": ";
  // Whatever else is missing: a word that is not known comes first.
  if (!left.empty() && left.front().starts_with('-'))
    out += fmt::format("unknown option \"{}\"{}", left.front(),
                       nearest_hint(left.front(), options_of(place)));
  else if (!left.empty() && !commands.empty())
    out += fmt::format("unknown command \"{}\"{}", left.front(),
                       nearest_hint(left.front(), commands));
  else if (!left.empty())
    out += fmt::format("unexpected argument \"{}\"", left.front());
  else if (!commands.empty())
    out += "expected a command: " + list_names(commands);
  else
    out += error.what();
  return fmt::format("{}; see {} --help", out, full_name(place));
}

int run_guarded(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::exception& error) {
    return complain({errc::backend_error, error.what()}, exit_run_failed);
  }
}

} // namespace

int run_program(int argc, char** argv) {
  CLI::App app{"Bayesian deep learning with particles that are actors",
               "posse"};
  app.set_version_flag("--version", version, "Print the version and exit");
  app.footer("Example:\n  posse run apps/examples/energy.toml");
  app.require_subcommand(1);
  int exit_code = exit_done;
  add_run_command(app, exit_code);
  add_predict_command(app, exit_code);
  add_report_command(app, exit_code);
  add_plan_command(app, exit_code);
  add_compare_command(app, exit_code);
  add_config_command(app, exit_code);
  add_node_command(app, exit_code);
  add_bench_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return complain({errc::invalid_argument, describe(app, error)},
                    exit_wrong_input);
  }
  return exit_code;
}

void run_program_and_end(int argc, char** argv) {
  const int code = run_guarded(argc, argv);
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  // All that is ours has ended. LibTorch would go on to take its thousands of
  // operators out of their tables one by one, a fifth of a short command's
  // time.
  std::quick_exit(code);
}

} // namespace posse
