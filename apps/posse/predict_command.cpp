#include "apps/posse/predict_command.hpp"

#include "actors/load_plugins.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/posterior_answer.hpp"
#include "apps/posse/run_input.hpp"
#include "apps/posse/saved_particle.hpp"
#include "apps/posse/shift_report.hpp"
#include "apps/posse/value_json.hpp"
#include "runtime/checkpoint/checkpoint_reader.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/portable_bits.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <numeric>

namespace posse {

namespace {

struct arguments {
  std::filesystem::path run;
  std::filesystem::path data;
  std::filesystem::path out;
  bool shifted{false};
  bool json{false};
};

/// What a checkpoint says about its particles.
struct saved_model {
  std::shared_ptr<const compiled_recipe> recipe;
  bool portable_bits{false};
};

expected<saved_model> model_of(const checkpoint_info& info) {
  if (!info.model.is_object() || !info.model.contains("network")
      || !info.model.contains("posterior"))
    return fail(errc::corrupt_checkpoint,
                "manifest.json: model: expected a network and a posterior");
  auto described = value_from_json(info.model["network"]);
  if (!described)
    return fail(std::move(described));
  auto spec = model_spec::from_value(*described);
  if (!spec)
    return fail(std::move(spec));
  auto posterior = value_from_json(info.model["posterior"])
                       .and_then(local_posterior_spec::from_value);
  if (!posterior)
    return fail(std::move(posterior));
  auto recipe = recipe_to_predict(std::move(*spec), std::move(*posterior));
  if (!recipe)
    return fail(std::move(recipe));
  const auto pinned = info.model.find("portable_bits");
  return saved_model{std::move(*recipe), pinned != info.model.end()
                                             && pinned->is_boolean()
                                             && pinned->get<bool>()};
}

expected<checkpoint_reader> open_run(const std::filesystem::path& run) {
  const run_files files{run};
  std::error_code error;
  if (!std::filesystem::is_directory(files.root, error))
    return fail(errc::io_error,
                run.string() + ": expected the folder of a run, there is none");
  return checkpoint_reader::open(files.checkpoint());
}

/// The run's plugins: its network may be one of theirs.
expected<void> load_plugins_of(const std::filesystem::path& run) {
  const run_files files{run};
  std::error_code error;
  if (!std::filesystem::exists(files.config(), error))
    return {};
  auto plugins = list_plugins(files.config());
  if (!plugins)
    return fail(std::move(plugins));
  return load_plugins(*plugins);
}

/// A run whose particles are ready to predict.
struct opened_run {
  checkpoint_reader reader;
  saved_model model;
  data_encoding encoding;
};

expected<opened_run> open(const std::filesystem::path& run) {
  auto reader = open_run(run);
  if (!reader)
    return fail(std::move(reader));
  if (auto ok = load_plugins_of(run); !ok)
    return fail(std::move(ok));
  auto model = model_of(reader->info());
  if (!model)
    return fail(std::move(model));
  if (model->portable_bits)
    if (auto pinned = pin_portable_bits(); !pinned)
      return fail(std::move(pinned));
  prepare_compute_thread(); // as lanes compute: the same bits
  auto encoding = encoding_from_json(reader->info().data.dump());
  if (!encoding)
    return fail(std::move(encoding));
  return opened_run{std::move(*reader), std::move(*model),
                    std::move(*encoding)};
}

expected<posterior_answer> answer(const opened_run& run,
                                  const at::Tensor& inputs) {
  std::vector<at::Tensor> outputs;
  for (auto pid : run.reader.particle_ids()) {
    auto record = run.reader.particle(pid);
    if (!record)
      return fail(std::move(record));
    auto raw = outputs_of_saved(run.model.recipe, *record, inputs);
    if (!raw)
      return fail(std::move(raw));
    outputs.push_back(std::move(*raw));
  }
  return combine(outputs, run.model.recipe->head, run.encoding);
}

/// The inputs of the test rows, from the data that the run's config names.
expected<at::Tensor> test_inputs(const arguments& given,
                                 const opened_run& run) {
  auto config = load_run_config(run_files{given.run}.config(), {});
  if (!config)
    return fail(std::move(config));
  if (auto there = check_paths(*config); !there)
    return fail(std::move(there));
  auto data = open_data(*config);
  if (!data)
    return fail(std::move(data));
  if ((*data)->encoding != run.encoding)
    return fail(errc::invalid_data,
                config->data.path.string()
                    + ": expected the data of the run, to take its test rows "
                      "from, got data that changed since");
  constexpr std::int64_t rows_at_once = 1024;
  const chunks rows{**data, data_part::test, rows_at_once};
  std::vector<at::Tensor> inputs;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    auto chunk = rows.at(i);
    if (!chunk)
      return fail(std::move(chunk));
    inputs.push_back(chunk->inputs);
  }
  return guarded("test rows", [&] { return at::cat(inputs); });
}

void warn_if_unfinished(const checkpoint_info& info) {
  const auto finished = info.step.find("finished");
  if (finished != info.step.end() && *finished == false)
    fmt::print(stderr, "warning: the run was interrupted: its particles are "
                       "not trained to the end\n");
}

/// What goes to stdout and to the file of --out.
struct printed {
  std::string shown;
  std::string file;
};

expected<printed> predict(const arguments& given) {
  auto run = open(given.run);
  if (!run)
    return fail(std::move(run));
  auto rows = encode_rows(run->encoding, given.data);
  if (!rows)
    return fail(std::move(rows));
  auto answered = answer(*run, rows->inputs);
  if (!answered)
    return fail(std::move(answered));
  warn_if_unfinished(run->reader.info());
  answered_rows told;
  told.numbers.resize(static_cast<std::size_t>(rows->inputs.size(0)));
  std::iota(told.numbers.begin(), told.numbers.end(), 0);
  told.targets = std::move(rows->targets);
  auto text = std::visit([](const auto& x) { return format_predictions(x); },
                         tabulate(*answered, told));
  if (!text)
    return fail(std::move(text));
  if (!given.shifted)
    return given.out.empty() ? printed{std::move(*text), {}}
                             : printed{{}, std::move(*text)};
  auto report = test_inputs(given, *run)
                    .and_then([&](const at::Tensor& inputs) {
                      return answer(*run, inputs);
                    })
                    .and_then([&](const posterior_answer& test) {
                      return report_shift(test, *answered);
                    });
  if (!report)
    return fail(std::move(report));
  return printed{given.json ? to_json(*report).dump(2) + '\n'
                            : shift_table(*report),
                 std::move(*text)};
}

int run(const arguments& given) {
  auto out = predict(given);
  if (!out)
    return complain(out.error(), exit_wrong_input);
  if (!given.out.empty())
    if (auto written = write_file_atomically(given.out, out->file); !written)
      return complain(written.error(), exit_wrong_input);
  fmt::print("{}", out->shown);
  return exit_done;
}

} // namespace

void add_predict_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<arguments>();
  auto* command = app.add_subcommand(
      "predict", "Predict the rows of a file with a run's particles");
  command->add_option("RUN_DIR", given->run, "Folder of the run's results")
      ->required();
  command
      ->add_option("--data", given->data,
                   "CSV file with the features by name, in any order; the "
                   "target may be there too; or a folder of idx files, whose "
                   "test images are taken")
      ->required();
  command->add_option("--out", given->out,
                      "CSV file to write; default: stdout");
  auto* shifted = command->add_flag(
      "--shifted", given->shifted,
      "Take the rows as from another distribution: show how well uncertainty "
      "tells them from the run's test rows (AUROC), instead of predictions");
  command->add_flag("--json", given->json, "Show that as JSON")->needs(shifted);
  command->footer("Example:\n  posse predict runs/energy --data new.csv "
                  "--out predictions.csv");
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

} // namespace posse
