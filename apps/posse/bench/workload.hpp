#pragma once

#include "messages/batch_ref.hpp"
#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/batch.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posse::bench {

/// A folder of the system's temporary one, removed at the end.
class scratch_folder {
public:
  /// @returns errc::io_error.
  static expected<std::shared_ptr<const scratch_folder>> make();
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  explicit scratch_folder(std::filesystem::path path)
      : path_{std::move(path)} {}
  std::filesystem::path path_;
};

/// What a model's particles train on and how: made-up data of fixed_batches
/// full batches, in files that the data room reads as it would a user's.
struct workload {
  std::string model; ///< mlp13 | mlp784 | lenet
  run_config config; ///< with one particle and one lane; callers set theirs
  std::vector<batch> batches; ///< in the order of batch_ref::index, epoch 0
  std::shared_ptr<const scratch_folder> files;
};

inline constexpr std::int64_t fixed_batches = 8;

/// "mlp13" 13-50-1, batch 32, mean squared error; "mlp784" 784-256-10 and
/// "lenet" (61,706 parameters), batch 64, cross entropy.
const std::vector<std::string>& model_names();

/// @param algorithm "deep_ensemble" or "svgd". SVGD needs a likelihood: its
///   mlp13 has the Gaussian head (13-50-2); and its step size is the learning
///   rate over the training rows, since scores are sums over the data.
/// @returns errc::io_error, or what opening the data fails with.
expected<workload> make_workload(std::string_view model,
                                 std::string_view algorithm);

/// The batch of step `step`: the fixed batches in turn.
batch_ref batch_of_step(std::int64_t step) noexcept;

} // namespace posse::bench
