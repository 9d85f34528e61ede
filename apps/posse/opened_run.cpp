#include "apps/posse/opened_run.hpp"

#include "actors/load_plugins.hpp"
#include "apps/posse/answering_members.hpp"
#include "apps/posse/run_input.hpp"
#include "apps/posse/saved_particle.hpp"
#include "apps/posse/value_json.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/data_library.hpp"
#include "runtime/device/compute_thread.hpp"
#include "runtime/device/portable_bits.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace posse {

namespace {

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

} // namespace

expected<opened_run> open_saved_run(const std::filesystem::path& run) {
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
  answering_members members;
  for (auto pid : run.reader.particle_ids()) {
    auto record = run.reader.particle(pid);
    if (!record)
      return fail(std::move(record));
    auto raw = outputs_of_saved(run.model.recipe, *record, inputs);
    if (auto ok = members.add(pid, std::move(raw)); !ok)
      return fail(std::move(ok));
  }
  if (auto ok = members.check(); !ok)
    return fail(std::move(ok));
  for (const auto& line : members.warnings())
    fmt::print(stderr, "warning: {}\n", line);
  return combine(members.outputs, run.model.recipe->head, run.encoding);
}

expected<at::Tensor> test_inputs(const std::filesystem::path& folder,
                                 const opened_run& run) {
  auto config = load_run_config(run_files{folder}.config(), {});
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

} // namespace posse
