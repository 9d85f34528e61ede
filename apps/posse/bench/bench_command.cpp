#include "apps/posse/bench_command.hpp"

#include "apps/posse/bench/bench_nodes.hpp"
#include "apps/posse/bench/caf_pair.hpp"
#include "apps/posse/bench/measure.hpp"
#include "apps/posse/bench/measure_uci.hpp"
#include "apps/posse/bench/uci_table.hpp"
#include "apps/posse/bench/workload.hpp"
#include "apps/posse/failure_text.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/device/compute_thread.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

namespace posse {

namespace {

using bench::options;
using measurement = expected<std::vector<bench::row>> (*)(const options&);

int run(measurement measure, const options& opts) {
  prepare_compute_thread();
  auto rows = measure(opts);
  if (!rows) {
    fmt::print(stderr, "{}\n", rows.error().message);
    return rows.error().code == errc::invalid_argument ? 2 : 3;
  }
  fmt::print("{}", bench::to_table(*rows));
  expected<void> written;
  if (!opts.json.empty())
    written = bench::write_json(*rows, opts.json);
  if (written && !opts.plot.empty())
    written = bench::write_plot(*rows, opts.plot);
  if (written)
    return 0;
  fmt::print(stderr, "{}\n", written.error().message);
  return 3;
}

/// A sub-command with the options that all of them have.
CLI::App* add(CLI::App& parent, const char* name, const char* help,
              measurement measure, std::shared_ptr<options> opts,
              int& exit_code) {
  constexpr int most_lanes = 1024;
  auto* command = parent.add_subcommand(name, help);
  command
      ->add_option("--lanes", opts->lanes,
                   "threads that compute; several: a row of posse for each")
      ->delimiter(',')
      ->check(CLI::Range(1, most_lanes))
      ->capture_default_str();
  command
      ->add_option("--repetitions", opts->repetitions,
                   "of every system, in turn")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--json", opts->json,
                   "also write the rows to this file, as one array")
      ->type_name("FILE");
  command->callback(
      [measure, opts, &exit_code] { exit_code = run(measure, *opts); });
  return command;
}

void add_particles(CLI::App& command, options& opts,
                   const std::vector<std::string>& models) {
  constexpr int most_particles = 1'000'000;
  command.add_option("--model", opts.models, "what the particles are")
      ->delimiter(',')
      ->check(CLI::IsMember(models))
      ->capture_default_str();
  command
      .add_option("--particles", opts.particles,
                  "how many; several: rows for each")
      ->delimiter(',')
      ->check(CLI::Range(1, most_particles))
      ->capture_default_str();
  command
      .add_option("--plot", opts.plot,
                  "also draw the rows against particles to this file, as a "
                  "picture (SVG)")
      ->type_name("FILE");
}

void add_peers(CLI::App& command, options& opts) {
  command
      .add_option("--peers", opts.peers,
                  "a program whose systems are measured too, in turn with "
                  "ours (./dev bench --peers has one)")
      ->type_name("COMMAND");
}

void add_by_network(CLI::App& command, options& opts) {
  command.add_flag("--by-network", opts.by_network,
                   "nodes share no memory, as on different machines");
}

struct uci_arguments {
  bench::uci_options options;
  std::string csv;
  std::string markdown;
};

exit_code exit_code_of(errc code) {
  switch (code) {
  case errc::invalid_argument:
    return exit_wrong_input;
  case errc::cancelled:
    return exit_interrupted;
  default:
    return exit_run_failed;
  }
}

int run_uci(const uci_arguments& given) {
  auto runs = bench::measure_uci(given.options);
  if (!runs)
    return complain(runs.error(), exit_code_of(runs.error().code));
  const auto table = bench::to_markdown(*runs);
  fmt::print("{}", table);
  expected<void> written;
  if (!given.csv.empty())
    written = write_file_atomically(given.csv, bench::to_csv(*runs));
  if (written && !given.markdown.empty())
    written = write_file_atomically(given.markdown, table);
  if (!written)
    return complain(written.error(), exit_run_failed);
  return exit_done;
}

void add_uci(CLI::App& parent, int& exit_code) {
  auto given = std::make_shared<uci_arguments>();
  auto& options = given->options;
  options.algorithms = {"deep_ensemble", "svgd", "swag", "multi_swag",
                        "mc_dropout"};
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  auto* command = parent.add_subcommand(
      "uci", "algorithms over the splits of data sets: means and errors");
  command
      ->add_option("FOLDER", options.folder,
                   "has a folder with data.csv and splits.csv for each set")
      ->required();
  command->add_option("--sets", options.sets, "folders in it; default: all")
      ->delimiter(',');
  command
      ->add_option("--algorithms", options.algorithms,
                   "as infer.algorithm takes them")
      ->delimiter(',')
      ->capture_default_str();
  command
      ->add_option("--splits", options.splits,
                   "the first so many; default: all")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--set", options.changes,
                      "KEY=VALUE: a key of all runs' configs");
  command->add_option("--jobs", options.jobs, "runs at a time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--csv", given->csv,
                   "also write a line for each run to this file")
      ->type_name("FILE");
  command
      ->add_option("--markdown", given->markdown,
                   "also write the tables to this file")
      ->type_name("FILE");
  command->footer(
      "Each run is a process with one lane, and as many as there are cores\n"
      "run at a time. Mean and standard error of the test rows' metrics over\n"
      "the splits.\n\nExample:\n  posse bench uci uci --sets "
      "concrete,energy --splits 5");
  command->callback([given, &exit_code] { exit_code = run_uci(*given); });
}

/// The other processes of a benchmark; not for users, and so not listed.
void add_children(CLI::App& parent, int& exit_code) {
  struct node_arguments {
    std::string config;
    std::string name;
  };
  auto given = std::make_shared<node_arguments>();
  auto* node = parent.add_subcommand("node", "")->group("");
  node->add_option("--config", given->config)->required();
  node->add_option("--name", given->name)->required();
  node->callback([given, &exit_code] {
    exit_code = bench::run_bench_node(given->config, given->name);
  });
  auto* echo = parent.add_subcommand("echo", "")->group("");
  echo->callback([&exit_code] { exit_code = bench::run_caf_echo(); });
}

} // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  auto* bench_app = app.add_subcommand(
      "bench", "measure what the runtime costs beside plain LibTorch and CAF");
  bench_app->require_subcommand(1);
  bench_app->footer(
      "All systems of a sub-command run in one process, in turn. Times are\n"
      "microseconds; x: relative to the first system with the same model and\n"
      "particles.");
  auto defaults = [](std::vector<std::string> models,
                     std::vector<std::int64_t> particles) {
    return std::make_shared<options>(
        options{std::move(models), std::move(particles), {1}});
  };

  auto step = defaults(bench::model_names(), {1, 8});
  auto* command = add(*bench_app, "step", "a particle's optimizer step",
                      bench::measure_step, step, exit_code);
  add_particles(*command, *step, bench::model_names());
  add_peers(*command, *step);
  command->footer(
      "bare: plain LibTorch, one thread; bare-threads: with all cores inside\n"
      "an operation; posse-unfused: one particle at a time on each lane; "
      "posse:\n"
      "several at a time where that is faster.");

  auto svgd = defaults({"mlp13", "mlp784"}, {8, 16, 64});
  command = add(*bench_app, "svgd", "an iteration of SVGD over all particles",
                bench::measure_svgd, svgd, exit_code);
  add_particles(*command, *svgd, bench::model_names());
  add_peers(*command, *svgd);
  command
      ->add_option(
          "--nodes", svgd->nodes,
          "also on so many node daemons of this machine, one lane each")
      ->delimiter(',')
      ->check(CLI::Range(1, 16));
  add_by_network(*command, *svgd);
  command->footer(
      "matrix: plain LibTorch, [N, D] matrices, one thread; matrix-threads:\n"
      "with all cores inside an operation; kernel: the direction alone, "
      "without\n"
      "gradients; kernel-close: with two equal particles, which takes double.\n"
      "mlp13 has a Gaussian head here: SVGD needs a likelihood.");

  auto swap = defaults({"mlp784"}, {16});
  command =
      add(*bench_app, "swap", "one particle out of a slot, another one in",
          bench::measure_swap, swap, exit_code);
  add_particles(*command, *swap, bench::model_names());
  command->footer(
      "memcpy: the same rows, copied out and in and nothing else. A "
      "particle's\n"
      "row holds its parameters and Adam's two moments. One thread, whatever\n"
      "--lanes says.");

  auto scale = defaults({"mlp13"}, {64, 1000, 10000});
  command = add(*bench_app, "scale", "many particles: time, start, memory",
                bench::measure_scale, scale, exit_code);
  add_particles(*command, *scale, bench::model_names());
  command->footer(
      "All numbers of particles in one process, in turn. start_seconds: until\n"
      "all particles exist; rss_bytes_per_particle: what the process grew by.");

  auto message = defaults({}, {});
  command =
      add(*bench_app, "message", "an awaited round trip between two particles",
          bench::measure_message, message, exit_code);
  add_by_network(*command, *message);
  command->footer(
      "caf: two event-based actors of plain CAF; posse: two particles. The\n"
      "remote ones are in two processes, over loopback; push: 256 MiB of\n"
      "tensors from one process to another, and small requests meanwhile.");

  add_uci(*bench_app, exit_code);
  add_children(*bench_app, exit_code);
}

} // namespace posse
