#include "runtime/core/atomic_file.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/core/io_failure.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <system_error>

namespace posse {

namespace {

using contents_writer = std::function<expected<void>(output_file&)>;

/// Pieces below this size are gathered into one system call.
constexpr std::size_t gather_bytes = 64 * 1024;

std::filesystem::path folder_of(const std::filesystem::path& path) {
  auto folder = path.parent_path();
  return folder.empty() ? "." : folder;
}

/// Unlike for every process and every call, so that two never share it.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> calls{0};
  return path.string() + ".tmp-" + std::to_string(::getpid()) + "-"
         + std::to_string(calls++);
}

/// Whether `name` is `base` with a temporary_name()'s ending, or a shorter one
/// without the call.
bool is_temporary_of(const std::string& base, const std::string& name) {
  auto prefix = base + ".tmp-";
  return name.starts_with(prefix) && name.size() > prefix.size()
         && name.find_first_not_of("0123456789-", prefix.size())
                == std::string::npos;
}

expected<void> write_then_rename(const std::filesystem::path& temporary,
                                 const std::filesystem::path& path,
                                 const contents_writer& write) {
  auto file = output_file::create(temporary);
  if (!file)
    return fail(std::move(file));
  if (auto x = write(*file); !x)
    return x;
  if (auto x = file->sync_and_close(); !x)
    return x;
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return io_fail(path, "replace", errno);
  return {};
}

} // namespace

expected<output_file> output_file::create(std::filesystem::path path) {
  file_descriptor file{::open(
      path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t{0666})};
  if (!file.is_open())
    return io_fail(path, "create", errno);
  return output_file{std::move(path), std::move(file)};
}

expected<void> output_file::write(std::span<const std::byte> bytes) {
  if (gathered_.size() + bytes.size() > gather_bytes)
    if (auto x = flush(); !x)
      return x;
  if (bytes.size() >= gather_bytes)
    return write_all(file_, bytes, path_);
  gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
  return {};
}

expected<void> output_file::write(std::string_view text) {
  return write(std::as_bytes(std::span{text}));
}

expected<void> output_file::close() {
  if (auto x = flush(); !x)
    return x;
  if (!file_.close())
    return io_fail(path_, "write", errno);
  return {};
}

expected<void> output_file::sync_and_close() {
  if (auto x = flush(); !x)
    return x;
  if (::fsync(file_.get()) != 0)
    return io_fail(path_, "write", errno);
  return close();
}

expected<void> output_file::flush() {
  auto x = write_all(file_, gathered_, path_);
  gathered_.clear();
  return x;
}

expected<void> write_all(const file_descriptor& file,
                         std::span<const std::byte> bytes,
                         const std::filesystem::path& path) {
  while (!bytes.empty()) {
    auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return io_fail(path, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

expected<void> sync_path(const std::filesystem::path& path) {
  file_descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open())
    return io_fail(path, "open", errno);
  if (::fsync(file.get()) != 0)
    return io_fail(path, "make durable", errno);
  return {};
}

expected<void> write_file_atomically(const std::filesystem::path& path,
                                     std::string_view contents) {
  return write_file_atomically(
      path, [contents](output_file& file) { return file.write(contents); });
}

expected<void> write_file_atomically(const std::filesystem::path& path,
                                     const contents_writer& write) {
  return guarded(path.string(), [&]() -> expected<void> {
    auto temporary = temporary_name(path);
    if (auto x = write_then_rename(temporary, path, write); !x) {
      std::error_code ignored; // the first error is the one to tell
      std::filesystem::remove(temporary, ignored);
      return x;
    }
    return sync_path(folder_of(path));
  });
}

expected<void> remove_temporaries(const std::filesystem::path& path) {
  return guarded(path.string(), [&]() -> expected<void> {
    auto base = path.filename().string();
    std::vector<std::filesystem::path> found;
    std::error_code error;
    std::filesystem::directory_iterator entries{folder_of(path), error};
    while (!error && entries != std::filesystem::directory_iterator{}) {
      if (is_temporary_of(base, entries->path().filename().string()))
        found.push_back(entries->path());
      entries.increment(error);
    }
    if (error)
      return io_fail(folder_of(path), "list", error.value());
    for (const auto& x : found) {
      std::filesystem::remove_all(x, error);
      if (error)
        return io_fail(x, "remove", error.value());
    }
    return {};
  });
}

} // namespace posse
