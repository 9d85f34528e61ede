#include "apps/posse/predict_command.hpp"

#include "apps/posse/failure_text.hpp"
#include "apps/posse/opened_run.hpp"
#include "apps/posse/posterior_answer.hpp"
#include "apps/posse/run_input.hpp"
#include "apps/posse/shift_report.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/data/data_library.hpp"

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
  auto run = open_saved_run(given.run);
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
  auto report = test_inputs(given.run, *run)
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
