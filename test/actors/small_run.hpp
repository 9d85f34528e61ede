#pragma once

#include "actors/push_distribution.hpp"
#include "runtime/config/load_config.hpp"
#include "test/support/temporary_directory.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace posse::test {

/// A small regression data set in a folder of its own, and configs on it.
class small_run {
public:
  small_run() {
    std::string csv = "a,b,y\n";
    for (int i = 0; i < 80; ++i) {
      const double a = std::sin(i * 1.3);
      const double b = std::cos(i * 0.7);
      csv += std::to_string(a) + "," + std::to_string(b) + ","
             + std::to_string(a * b + 0.3 * a) + "\n";
    }
    write_text(folder_ / "data.csv", csv);
  }

  /// @param algorithm Of any behaviour. @param sets As of --set.
  run_config config(const std::string& algorithm, std::int64_t particles,
                    std::int64_t steps, std::vector<std::string> sets = {}) {
    const std::string text =
        "[run]\nfuse = \"off\"\n[data]\npath = \"data.csv\"\n"
        "[model]\nhidden = [8]\n[infer]\nalgorithm = \""
        + algorithm + "\"\nparticles = " + std::to_string(particles)
        + "\nsteps = " + std::to_string(steps)
        + (algorithm == "hmc" ? "\n" : "\nbatch = 16\n"); // takes all rows
    auto out = parse_config(text, folder_ / "run.toml", sets);
    if (!out)
      throw std::runtime_error(out.error().message);
    return *out;
  }

private:
  temporary_directory folder_;
};

/// Makes all particles of the plan.
inline void create_all(push_distribution& pd) {
  for (std::int64_t i = 0; i < pd.plan().particles; ++i)
    if (auto made = pd.p_create(); !made)
      throw std::runtime_error(made.error().message);
}

/// Launches training where the algorithm starts it.
inline std::vector<pfuture> launch(push_distribution& pd) {
  std::vector<pfuture> out;
  for (auto pid : pd.particle_ids())
    if (!pd.plan().led || pid.number == 0)
      out.push_back(pd.p_launch(pid, pd.plan().entry, pd.plan().entry_args));
  return out;
}

/// All parameters of all particles, in the order of their ids.
inline std::vector<std::byte> all_parameters(push_distribution& pd) {
  std::vector<std::byte> out;
  for (auto pid : pd.particle_ids()) {
    auto blobs = pd.p_parameters(pid);
    if (!blobs)
      throw std::runtime_error(blobs.error().message);
    for (const auto& blob : *blobs)
      out.insert(out.end(), blob.bytes().begin(), blob.bytes().end());
  }
  return out;
}

} // namespace posse::test
