#include "apps/posse/compare_command.hpp"

#include "apps/posse/comparison.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/opened_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

namespace posse {

namespace {

struct arguments {
  std::filesystem::path run;
  std::filesystem::path reference;
  bool json{false};
};

struct named_answer {
  opened_run run;
  posterior_answer answer;
};

expected<named_answer> answer_of(const std::filesystem::path& folder) {
  auto run = open_saved_run(folder);
  if (!run)
    return fail(std::move(run));
  auto inputs = test_inputs(folder, *run);
  if (!inputs)
    return fail(std::move(inputs));
  auto answered = answer(*run, *inputs);
  if (!answered)
    return fail(std::move(answered));
  return named_answer{std::move(*run), std::move(*answered)};
}

expected<metric_list> distance(const arguments& given) {
  auto own = answer_of(given.run);
  if (!own)
    return fail(std::move(own));
  auto reference = answer_of(given.reference);
  if (!reference)
    return fail(std::move(reference));
  if (own->run.encoding != reference->run.encoding)
    return fail(errc::invalid_data,
                given.run.string()
                    + ": expected the data and split of the reference, got "
                      "others");
  return compare(own->answer, reference->answer);
}

int run(const arguments& given) {
  const auto found = distance(given);
  if (!found)
    return complain(found.error(), exit_wrong_input);
  if (given.json) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& each : *found)
      out[each.name] = each.value;
    fmt::print("{}\n", out.dump(2));
    return exit_done;
  }
  for (const auto& each : *found)
    fmt::print("{:<16} {:.4f}\n", each.name, each.value);
  return exit_done;
}

} // namespace

void add_compare_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<arguments>();
  auto* command = app.add_subcommand(
      "compare", "How far a run's predictions are from a reference's");
  command->add_option("RUN_DIR", given->run, "Folder of a run's results")
      ->required();
  command
      ->add_option("REFERENCE_RUN_DIR", given->reference,
                   "Folder of the run to hold it against, of the same data and "
                   "split: one by hmc, say")
      ->required();
  command->add_flag("--json", given->json, "Print JSON");
  command->footer("Example:\n  posse compare runs/sghmc runs/hmc");
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

} // namespace posse
