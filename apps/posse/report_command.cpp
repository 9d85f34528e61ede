#include "apps/posse/report_command.hpp"

#include "apps/posse/failure_text.hpp"
#include "apps/posse/report/page.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

namespace posse {

namespace {

struct arguments {
  std::filesystem::path run;
  std::filesystem::path out;
};

expected<void> write_report(const arguments& given,
                            const std::filesystem::path& out) {
  return guarded("report", [&]() -> expected<void> {
    auto record = report::read_run(given.run);
    if (!record)
      return fail(std::move(record));
    return write_file_atomically(out, report::to_html(*record));
  });
}

int run(const arguments& given) {
  const auto out =
      given.out.empty() ? run_files{given.run}.report() : given.out;
  if (auto written = write_report(given, out); !written)
    return complain(written.error(), exit_wrong_input);
  fmt::print("report  {}\n", out.string());
  return exit_done;
}

} // namespace

void add_report_command(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<arguments>();
  auto* command = app.add_subcommand(
      "report", "Write a page with the figures of a run's posterior");
  command->add_option("RUN_DIR", given->run, "Folder of the run's results")
      ->required();
  command->add_option("--out", given->out,
                      "HTML file to write; default: RUN_DIR/report.html");
  command->footer("Example:\n  posse report runs/energy\n"
                  "The page loads nothing: it can be read without a network, "
                  "kept, and sent.");
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

} // namespace posse
