#include "apps/posse/predict_command.hpp"

#include "actors/load_plugins.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/posterior_answer.hpp"
#include "apps/posse/saved_particle.hpp"
#include "apps/posse/value_json.hpp"
#include "runtime/checkpoint/checkpoint_reader.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/portable_bits.hpp"

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

expected<std::vector<at::Tensor>> outputs_of(const checkpoint_reader& reader,
                                             const saved_model& model,
                                             const at::Tensor& inputs) {
  std::vector<at::Tensor> out;
  for (auto pid : reader.particle_ids()) {
    auto record = reader.particle(pid);
    if (!record)
      return fail(std::move(record));
    auto raw = outputs_of_saved(model.recipe, *record, inputs);
    if (!raw)
      return fail(std::move(raw));
    out.push_back(std::move(*raw));
  }
  return out;
}

void warn_if_unfinished(const checkpoint_info& info) {
  const auto finished = info.step.find("finished");
  if (finished != info.step.end() && *finished == false)
    fmt::print(stderr, "warning: the run was interrupted: its particles are "
                       "not trained to the end\n");
}

/// The predictions as the text of a CSV file.
expected<std::string> predict(const arguments& given) {
  auto reader = open_run(given.run);
  if (!reader)
    return fail(std::move(reader));
  if (auto ok = load_plugins_of(given.run); !ok)
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
  auto rows = encode_rows(*encoding, given.data);
  if (!rows)
    return fail(std::move(rows));
  auto outputs = outputs_of(*reader, *model, rows->inputs);
  if (!outputs)
    return fail(std::move(outputs));
  auto answer = combine(*outputs, model->recipe->head, *encoding);
  if (!answer)
    return fail(std::move(answer));
  warn_if_unfinished(reader->info());
  answered_rows told;
  told.numbers.resize(static_cast<std::size_t>(rows->inputs.size(0)));
  std::iota(told.numbers.begin(), told.numbers.end(), 0);
  told.targets = std::move(rows->targets);
  return std::visit([](const auto& x) { return format_predictions(x); },
                    tabulate(*answer, told));
}

int run(const arguments& given) {
  auto text = predict(given);
  if (!text)
    return complain(text.error(), exit_wrong_input);
  if (given.out.empty()) {
    fmt::print("{}", *text);
    return exit_done;
  }
  auto written = write_file_atomically(given.out, *text);
  return written ? exit_done : complain(written.error(), exit_wrong_input);
}

} // namespace

void add_predict_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<arguments>();
  auto* command = app.add_subcommand(
      "predict", "Predict the rows of a CSV file with a run's particles");
  command->add_option("RUN_DIR", given->run, "Folder of the run's results")
      ->required();
  command
      ->add_option("--data", given->data,
                   "CSV file with the features by name, in any order; the "
                   "target may be there too")
      ->required();
  command->add_option("--out", given->out,
                      "CSV file to write; default: stdout");
  command->footer("Example:\n  posse predict runs/energy --data new.csv "
                  "--out predictions.csv");
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

} // namespace posse
