#include "runtime/checkpoint/run_log.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/io_failure.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <span>
#include <string>
#include <unistd.h>

namespace posse {

namespace {

using nlohmann::ordered_json;

std::string_view name_of(log_level level) {
  switch (level) {
  case log_level::debug:
    return "debug";
  case log_level::info:
    return "info";
  case log_level::warning:
    return "warning";
  case log_level::error:
    return "error";
  }
  return "unknown";
}

/// UTC in ISO 8601, to the millisecond.
std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> text{};
  auto size = std::strftime(text.data(), text.size(), "%FT%T", &utc);
  auto milliseconds = std::to_string(1000 + now.tv_nsec / 1'000'000);
  return std::string{text.data(), size} + '.' + milliseconds.substr(1) + 'Z';
}

std::string line_of(log_level level, std::string_view event,
                    const ordered_json& fields) {
  ordered_json line{
      {"time", now_text()}, {"level", name_of(level)}, {"event", event}};
  for (const auto& [key, value] : fields.items())
    if (!line.contains(key))
      line[key] = value;
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace)
         + '\n';
}

/// Whether the file is empty or its last byte ends a line.
bool ends_a_line(int fd) {
  auto size = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  return size <= 0 || ::pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

expected<void> append(const file_descriptor& file, std::string_view text,
                      const std::filesystem::path& path) {
  return write_all(file, std::as_bytes(std::span{text}), path);
}

} // namespace

expected<run_log> run_log::open(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<run_log> {
    auto shared = std::make_unique<shared_state>();
    shared->path = path;
    shared->file = file_descriptor{::open(
        path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, mode_t{0666})};
    if (!shared->file.is_open())
      return io_fail(path, "open", errno);
    if (!ends_a_line(shared->file.get()))
      if (auto x = append(shared->file, "\n", path); !x)
        return fail(std::move(x));
    return run_log{std::move(shared)};
  });
}

void run_log::write(log_level level, std::string_view event,
                    const ordered_json& fields) {
  // The time is taken under the lock, so that lines are in its order.
  std::scoped_lock lock{shared_->mutex};
  auto written = guarded("log", [&] {
    return append(shared_->file, line_of(level, event, fields), shared_->path);
  });
  if (!written && !shared_->first_failure)
    shared_->first_failure = std::move(written.error());
}

void run_log::write(log_level level, std::string_view event) {
  write(level, event, ordered_json::object());
}

std::optional<failure> run_log::first_failure() const {
  std::scoped_lock lock{shared_->mutex};
  return shared_->first_failure;
}

} // namespace posse
