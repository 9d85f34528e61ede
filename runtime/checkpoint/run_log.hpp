#pragma once

#include "messages/failure.hpp"
#include "runtime/core/file_descriptor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace posse {

enum class log_level : std::uint8_t { debug, info, warning, error };

/// `log.jsonl`: one JSON object a line,
/// `{"time":"2024-05-01T12:00:00.123Z","level":"info","event":"step",...}`.
/// Each line goes to the system at once and whole, so that a killed run's log
/// ends with its last event. Thread-safe.
class run_log {
public:
  /// Opens the log to append to it; a line that a power loss cut is ended.
  /// @returns errc::io_error.
  static expected<run_log> open(const std::filesystem::path& path);

  /// @param event What happened, in a word or two: "checkpoint".
  /// @param fields A JSON object whose entries follow; `time`, `level` and
  ///   `event` in it are left out.
  /// A log that cannot be written does not end a run: see first_failure().
  void write(log_level level, std::string_view event,
             const nlohmann::ordered_json& fields);
  void write(log_level level, std::string_view event);

  /// The first line's failure (errc::io_error: a full disk), if any failed.
  std::optional<failure> first_failure() const;

private:
  /// Apart, so that the log can be moved.
  struct shared_state {
    std::mutex mutex;
    std::filesystem::path path;
    file_descriptor file;
    std::optional<failure> first_failure;
  };

  explicit run_log(std::unique_ptr<shared_state> shared)
      : shared_{std::move(shared)} {}

  std::unique_ptr<shared_state> shared_;
};

} // namespace posse
