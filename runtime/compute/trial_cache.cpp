#include "runtime/compute/trial_cache.hpp"

#include "runtime/core/atomic_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <system_error>

namespace posse {

namespace {

using nlohmann::json;

constexpr std::size_t most_trials = 1000;

/// A list of trials, oldest first; empty if there is no such file.
json read_trials(const std::filesystem::path& file) {
  std::error_code unused;
  if (!std::filesystem::is_regular_file(file, unused))
    return json::array();
  std::ifstream in{file};
  auto out = json::parse(in, nullptr, /*allow_exceptions=*/false);
  return out.is_array() ? out : json::array();
}

bool is_of(const json& entry, const std::string& key) {
  return entry.is_object() && entry.contains("run") && entry["run"] == key;
}

std::optional<double> time_at(const json& entry, const char* name) {
  const auto at = entry.find(name);
  if (at == entry.end() || !at->is_number())
    return std::nullopt;
  const auto us = at->get<double>();
  return std::isfinite(us) && us > 0 ? std::optional{us} : std::nullopt;
}

std::filesystem::path folder_at(const char* variable) {
  const auto* folder = std::getenv(variable);
  // As the XDG specification has it: anything but an absolute path is ignored.
  return folder != nullptr && *folder == '/' ? folder : std::filesystem::path{};
}

} // namespace

trial_cache trial_cache::of_user() {
  auto folder = folder_at("XDG_CACHE_HOME");
  if (folder.empty() && !folder_at("HOME").empty())
    folder = folder_at("HOME") / ".cache";
  return folder.empty() ? trial_cache{}
                        : trial_cache{folder / "posse" / "trials.json"};
}

std::optional<fuse_trial> trial_cache::find(const std::string& key) const {
  if (file_.empty())
    return std::nullopt;
  const auto trials = read_trials(file_);
  const auto at = std::ranges::find_if(
      trials, [&](const json& entry) { return is_of(entry, key); });
  if (at == trials.end())
    return std::nullopt;
  const auto plain = time_at(*at, "plain_us");
  const auto fused = time_at(*at, "fused_us");
  if (!plain || !fused)
    return std::nullopt;
  return fuse_trial{*plain, *fused};
}

void trial_cache::remember(const std::string& key,
                           const fuse_trial& trial) const {
  if (file_.empty())
    return;
  auto trials = json::array();
  for (auto& entry : read_trials(file_))
    if (!is_of(entry, key))
      trials.push_back(std::move(entry));
  while (trials.size() >= most_trials)
    trials.erase(trials.begin());
  trials.push_back({{"run", key},
                    {"plain_us", trial.plain_us},
                    {"fused_us", trial.fused_us}});
  std::error_code unused;
  std::filesystem::create_directories(file_.parent_path(), unused);
  // As good as none if it fails.
  (void)write_file_atomically(file_, trials.dump(1) + "\n");
}

} // namespace posse
