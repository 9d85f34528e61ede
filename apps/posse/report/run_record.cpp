#include "apps/posse/report/run_record.hpp"

#include "apps/posse/report/json_fields.hpp"
#include "runtime/checkpoint/result_file.hpp"
#include "runtime/checkpoint/run_directory.hpp"

#include <algorithm>

namespace posse::report {

namespace {

/// What `read` makes of a file, if it is there.
template <class Read>
auto if_there(const std::filesystem::path& path, Read read)
    -> expected<std::optional<typename decltype(read(path))::value_type>> {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return std::nullopt;
  auto found = read(path);
  if (!found)
    return fail(std::move(found));
  return std::optional{std::move(*found)};
}

std::vector<logged_event> since_last_start(std::vector<logged_event> events) {
  const auto last = std::ranges::find(events.rbegin(), events.rend(), "start",
                                      &logged_event::event);
  if (last != events.rend())
    events.erase(events.begin(), last.base() - 1);
  return events;
}

} // namespace

expected<run_record> read_run(const std::filesystem::path& folder) {
  const run_files files{folder};
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return fail(errc::io_error, folder.string()
                                    + ": expected the folder of a run, there "
                                      "is none");
  if (!std::filesystem::exists(files.config(), error))
    return fail(errc::io_error, folder.string()
                                    + ": expected the folder of a run, it has "
                                      "no config.toml");
  run_record out;
  auto settings = list_settings(files.config());
  if (!settings)
    return fail(std::move(settings));
  out.settings = std::move(*settings);
  auto result = if_there(files.result(), read_result);
  if (!result)
    return fail(std::move(result));
  out.result = std::move(*result);
  auto events = if_there(files.log(), read_log);
  if (!events)
    return fail(std::move(events));
  out.events = since_last_start(
      std::move(*events).value_or(std::vector<logged_event>{}));
  auto learning = if_there(files.learning(), read_learning);
  if (!learning)
    return fail(std::move(learning));
  out.learning = std::move(*learning);
  const bool tested =
      out.result && integer_at((*out.result)["data"], "test_rows") > 0;
  if (!tested)
    return out;
  auto predictions = read_predictions(files.predictions());
  if (!predictions)
    return fail(std::move(predictions));
  out.predictions = std::move(*predictions);
  return out;
}

} // namespace posse::report
