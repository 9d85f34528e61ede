#include "apps/posse/bench/measure_uci.hpp"

#include "apps/posse/bench/workload.hpp"
#include "apps/posse/interrupt.hpp"
#include "runtime/checkpoint/run_directory.hpp"
#include "runtime/core/atomic_file.hpp"
#include "runtime/core/file_bytes.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace posse::bench {

namespace {

namespace fs = std::filesystem;

struct data_folder {
  std::string name;
  fs::path path;
  std::int64_t splits{0};
};

/// How many lines a file has that are not empty.
std::int64_t count_lines(const fs::path& file) {
  std::ifstream in{file};
  std::int64_t out = 0;
  for (std::string line; std::getline(in, line);)
    out += line.empty() ? 0 : 1;
  return out;
}

expected<data_folder> open_folder(const fs::path& path) {
  std::error_code error;
  for (const auto* name : {"data.csv", "splits.csv"})
    if (!fs::is_regular_file(path / name, error))
      return fail(errc::invalid_argument,
                  fmt::format("{}: expected a folder with data.csv and "
                              "splits.csv, there is no {}",
                              path.string(), name));
  const auto splits = count_lines(path / "splits.csv");
  if (splits == 0)
    return fail(
        errc::invalid_argument,
        (path / "splits.csv").string()
            + ": expected the test rows of a split on each line, got an "
              "empty file");
  return data_folder{path.filename().string(), fs::absolute(path), splits};
}

expected<std::vector<data_folder>> find_folders(const uci_options& options) {
  std::vector<fs::path> paths;
  for (const auto& name : options.sets)
    paths.push_back(options.folder / name);
  std::error_code error;
  if (options.sets.empty())
    for (const auto& each : fs::directory_iterator{options.folder, error})
      if (fs::is_regular_file(each.path() / "splits.csv", error))
        paths.push_back(each.path());
  if (paths.empty())
    return fail(errc::invalid_argument,
                options.folder.string()
                    + ": expected folders with data.csv and splits.csv, got "
                      "none");
  std::ranges::sort(paths);
  std::vector<data_folder> out;
  for (const auto& path : paths) {
    auto one = open_folder(path);
    if (!one)
      return fail(std::move(one));
    if (options.splits > one->splits)
      return fail(errc::invalid_argument,
                  fmt::format("--splits {}: expected at most {}, the lines of "
                              "{}",
                              options.splits, one->splits,
                              (path / "splits.csv").string()));
    if (options.splits > 0)
      one->splits = options.splits;
    out.push_back(std::move(*one));
  }
  return out;
}

expected<void> write_config(const data_folder& set, const fs::path& file) {
  const auto quoted = [](const fs::path& x) {
    return nlohmann::json(x.string()).dump(); // JSON's texts are TOML's, too
  };
  return write_file_atomically(file,
                               fmt::format("[data]\npath = {}\nsplits = {}\n",
                                           quoted(set.path / "data.csv"),
                                           quoted(set.path / "splits.csv")));
}

/// This program with other arguments, to its end. @param said Gets its stderr.
/// @returns its exit code; 127: it cannot be started.
int run_posse(std::vector<std::string> words, const fs::path& said) {
  words.insert(words.begin(), "posse");
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
                                     O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, said.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &files, nullptr,
                                   argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  int status = 0;
  if (failed != 0)
    return 127;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The last line of a file; empty if it cannot be read.
std::string last_line(const fs::path& file) {
  const auto read = read_file(file);
  std::string text{read ? read->text() : ""};
  while (text.ends_with('\n'))
    text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

/// Trains `run` in a folder of its own, and takes its metrics.
expected<void> train(uci_run& run, const fs::path& folder,
                     const std::vector<std::string>& changes) {
  const auto name = fmt::format("{}-{}-{}", run.set, run.algorithm, run.split);
  const auto out = folder / name;
  const auto said = folder / (name + ".err");
  std::vector<std::string> words{"run", (folder / (run.set + ".toml")).string(),
                                 "--quiet", "--out", out.string()};
  const auto set = [&words](const std::string& text) {
    words.insert(words.end(), {"--set", text});
  };
  set("local.lanes=1");
  for (const auto& change : changes)
    set(change);
  set("infer.algorithm=" + run.algorithm);
  set(fmt::format("data.split={}", run.split));
  if (const auto code = run_posse(std::move(words), said); code != 0)
    return fail(code == 2 ? errc::invalid_argument : errc::backend_error,
                fmt::format("{}, {}, split {}: {}", run.set, run.algorithm,
                            run.split,
                            code == 127 ? std::string{"cannot start posse"}
                                        : last_line(said)));
  const auto text = read_file(run_files{out}.result());
  if (!text)
    return tl::unexpected{text.error()};
  // The same program wrote it.
  const auto result = nlohmann::ordered_json::parse(text->text());
  for (const auto& [key, value] : result["metrics"]["test"].items())
    if (value.is_number())
      run.metrics.emplace_back(key, value.get<double>());
  run.seconds = result["timing"]["wall_seconds"].get<double>();
  std::error_code ignored; // thousands of checkpoints would be much
  fs::remove_all(out, ignored);
  fs::remove(said, ignored);
  return {};
}

/// Does all of `runs`, `jobs` at a time; none begins after a failure, or a
/// signal, which those that run get as well.
expected<void> train_all(std::vector<uci_run>& runs, const fs::path& folder,
                         const uci_options& options) {
  std::atomic<std::size_t> next{0};
  std::mutex lock;
  std::optional<failure> failed;
  std::size_t done = 0;
  const bool shows = ::isatty(STDERR_FILENO) == 1;
  const interrupt_guard guard;
  const auto work = [&] {
    for (std::size_t i = next++; i < runs.size(); i = next++) {
      auto trained = train(runs[i], folder, options.changes);
      const std::scoped_lock held{lock};
      ++done;
      if (shows)
        fmt::print(stderr, "\r{} of {} runs", done, runs.size());
      if (!trained && !failed)
        failed = std::move(trained.error());
      if (failed || guard.requested())
        next = runs.size();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < options.jobs; ++i)
      workers.emplace_back(work);
  }
  if (shows)
    fmt::print(stderr, "\r\033[K");
  if (guard.requested())
    return fail(errc::cancelled, fmt::format("interrupted after {} of {} runs",
                                             done, runs.size()));
  if (failed)
    return tl::unexpected{std::move(*failed)};
  return {};
}

} // namespace

expected<std::vector<uci_run>> measure_uci(const uci_options& options) {
  auto folders = find_folders(options);
  if (!folders)
    return fail(std::move(folders));
  auto scratch = scratch_folder::make();
  if (!scratch)
    return fail(std::move(scratch));
  std::vector<uci_run> runs;
  for (const auto& set : *folders) {
    if (auto ok = write_config(set, (*scratch)->path() / (set.name + ".toml"));
        !ok)
      return fail(std::move(ok));
    for (const auto& algorithm : options.algorithms)
      for (std::int64_t split = 0; split < set.splits; ++split)
        runs.push_back({set.name, algorithm, split});
  }
  if (auto done = train_all(runs, (*scratch)->path(), options); !done)
    return fail(std::move(done));
  return runs;
}

} // namespace posse::bench
