#include "apps/posse/run_command.hpp"

#include "apps/posse/run_session.hpp"

#include <memory>

namespace posse {

namespace {

struct arguments {
  run_options options;
  std::string out;
  std::string cluster;
  bool overwrite{false};
  bool resume{false};
};

int run(arguments given) {
  auto& options = given.options;
  if (!given.cluster.empty())
    options.cluster = given.cluster;
  if (!given.out.empty())
    options.out = given.out;
  if (given.overwrite)
    options.existing = existing_run::overwrite;
  if (given.resume)
    options.existing = existing_run::resume;
  return run_session(options);
}

} // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<arguments>();
  auto& options = given->options;
  auto* command = app.add_subcommand(
      "run", "Train the particles of a config, measure them on the test rows");
  command->add_option("CONFIG", options.config, "The run's config (TOML)")
      ->required();
  command
      ->add_option("--set", options.sets,
                   "Replace a setting: KEY=VALUE, such as infer.steps=100")
      ->allow_extra_args(false);
  command->add_option("--cluster", given->cluster,
                      "File with the nodes to run on, instead of [local]");
  command->add_option("--out", given->out,
                      "Folder of the results, instead of run.out");
  auto* overwrite = command->add_flag("--overwrite", given->overwrite,
                                      "Replace the run that is in that folder");
  command
      ->add_flag("--resume", given->resume,
                 "Go on from the checkpoint in that folder")
      ->excludes(overwrite);
  command->add_flag("--quiet", options.quiet, "Show no progress");
  command->add_flag("--json", options.json,
                    "Print result.json instead of a table");
  command->footer("Example:\n  posse run apps/examples/energy.toml "
                  "--set infer.steps=500 --out runs/try");
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

} // namespace posse
