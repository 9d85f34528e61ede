#include "runtime/checkpoint/run_directory.hpp"

#include "runtime/core/atomic_directory.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/io_failure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace posse {

namespace fs = std::filesystem;

namespace {

/// First line of the lock file: a directory that has one is a RUN_DIR.
constexpr std::string_view lock_text = "posse run, process ";

tl::unexpected<failure> refuse(const fs::path& path, const std::string& why) {
  return fail(errc::invalid_config, "run.out: " + path.string() + " " + why);
}

/// What is at the start of the lock file, or nothing.
std::string read_lock_text(int fd) {
  std::array<char, 64> text{};
  auto got = ::pread(fd, text.data(), text.size(), 0);
  return {text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// A lock file of ours, or else the files of a run that was copied without it.
bool is_run(const run_files& files) {
  file_descriptor lock{::open(files.lock().c_str(), O_RDONLY | O_CLOEXEC)};
  if (lock.is_open() && read_lock_text(lock.get()).starts_with(lock_text))
    return true;
  std::error_code error;
  return fs::exists(files.config(), error)
         && (fs::exists(files.log(), error)
             || fs::exists(files.result(), error));
}

/// All that a run writes, but for the lock.
std::vector<fs::path> files_of_a_run(const run_files& files) {
  return {files.log(),    files.result(), files.predictions(), files.learning(),
          files.report(), files.trace(),  files.checkpoint(),  files.config()};
}

expected<std::vector<fs::path>> entries_of(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator entries{folder, error};
  while (!error && entries != fs::directory_iterator{}) {
    found.push_back(entries->path());
    entries.increment(error);
  }
  if (error)
    return io_fail(folder, "list", error.value());
  return found;
}

/// Checks the rules for a directory that exists.
expected<void> check_contents(const run_files& files, existing_run mode) {
  auto entries = entries_of(files.root);
  if (!entries)
    return refuse(files.root, "cannot be used: " + entries.error().message);
  std::erase(*entries, files.lock()); // an earlier start that wrote nothing
  switch (mode) {
  case existing_run::refuse:
    if (!entries->empty())
      return refuse(files.root,
                    "exists and is not empty: use --overwrite or --resume");
    return {};
  case existing_run::overwrite:
    if (!entries->empty() && !is_run(files))
      return refuse(files.root, "holds no run of posse: --overwrite will not "
                                "remove what it did not write");
    return {};
  case existing_run::resume:
    if (!is_run(files) || !find_directory(files.checkpoint()))
      return refuse(files.root, "holds no checkpoint to resume: use "
                                "--overwrite to start again");
    return {};
  }
  return {};
}

expected<void> check_rules(const run_files& files, existing_run mode) {
  if (files.root.empty())
    return fail(errc::invalid_config, "run.out: expected a path, got \"\"");
  auto nearest = files.root; // the part of the path that exists
  std::error_code error;
  auto status = fs::status(nearest, error);
  while (status.type() == fs::file_type::not_found
         && nearest.has_relative_path()) {
    nearest = nearest.parent_path();
    status = fs::status(nearest, error);
  }
  if (status.type() == fs::file_type::none)
    return refuse(files.root, "cannot be used: " + error.message());
  if (!fs::is_directory(status))
    return refuse(files.root, nearest == files.root
                                  ? "is a file, expected a directory"
                                  : "lies in the file " + nearest.string());
  bool exists = nearest == files.root;
  if (!exists && mode == existing_run::resume)
    return refuse(files.root, "does not exist: there is nothing to resume");
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    auto why = std::generic_category().message(errno);
    return refuse(files.root,
                  "cannot be written: " + nearest.string() + ": " + why);
  }
  return exists ? check_contents(files, mode) : expected<void>{};
}

/// create_directories() whose result survives a power loss.
expected<void> create_durably(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error))
    return {};
  if (auto x = create_durably(folder.parent_path()); !x)
    return x;
  fs::create_directory(folder, error);
  if (error)
    return io_fail(folder, "create", error.value());
  return sync_path(folder.parent_path());
}

/// What a killed process left half-written.
expected<void> remove_leftovers(const run_files& files) {
  if (auto x = recover_directory(files.checkpoint()); !x)
    return x;
  for (const auto& path : files_of_a_run(files))
    if (auto x = remove_temporaries(path); !x)
      return x;
  return {};
}

/// An earlier run, and no file that it did not write.
expected<void> remove_earlier_run(const run_files& files) {
  if (auto x = remove_leftovers(files); !x)
    return x;
  for (const auto& path : files_of_a_run(files)) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error)
      return io_fail(path, "remove", error.value());
  }
  return sync_path(files.root);
}

} // namespace

expected<run_directory> run_directory::check(fs::path root, existing_run mode) {
  return guarded("run.out", [&]() -> expected<run_directory> {
    if (!root.empty())
      root = fs::absolute(root).lexically_normal();
    if (!root.has_filename() && root.has_relative_path())
      root = root.parent_path(); // "runs/a/" is "runs/a"
    run_files files{std::move(root)};
    if (auto x = check_rules(files, mode); !x)
      return fail(std::move(x));
    return run_directory{std::move(files), mode};
  });
}

expected<void> run_directory::create() {
  return guarded("run.out", [&]() -> expected<void> {
    if (auto x = create_durably(files_.root); !x)
      return x;
    if (auto x = take_lock(); !x)
      return x;
    // Another run may have come and gone since check().
    if (auto x = check_rules(files_, mode_); !x)
      return x;
    if (auto x = sign_lock(); !x)
      return x;
    if (mode_ == existing_run::overwrite)
      return remove_earlier_run(files_);
    return remove_leftovers(files_);
  });
}

expected<void> run_directory::take_lock() {
  lock_ = file_descriptor{::open(files_.lock().c_str(),
                                 O_RDWR | O_CREAT | O_CLOEXEC, mode_t{0666})};
  if (!lock_.is_open())
    return io_fail(files_.lock(), "create", errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return io_fail(files_.lock(), "lock", errno);
    auto holder = read_lock_text(lock_.get());
    return refuse(files_.root, "is in use by another run ("
                                   + holder.substr(0, holder.find('\n')) + ")");
  }
  return {};
}

/// From here on the directory is a RUN_DIR, whatever happens to the run.
expected<void> run_directory::sign_lock() const {
  auto text = std::string{lock_text} + std::to_string(::getpid()) + '\n';
  auto size = static_cast<ssize_t>(text.size());
  if (::ftruncate(lock_.get(), 0) != 0
      || ::pwrite(lock_.get(), text.data(), text.size(), 0) != size)
    return io_fail(files_.lock(), "write", errno);
  return {};
}

} // namespace posse
