#pragma once

#include "apps/posse/posterior_answer.hpp"
#include "messages/failure.hpp"
#include "runtime/checkpoint/checkpoint_reader.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/data/data_encoding.hpp"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

namespace posse {

/// What a checkpoint says about its particles.
struct saved_model {
  std::shared_ptr<const compiled_recipe> recipe;
  bool portable_bits{false};
};

/// A finished or interrupted run whose particles are ready to predict.
struct opened_run {
  checkpoint_reader reader;
  saved_model model;
  data_encoding encoding;
};

/// Opens the checkpoint of a run's folder and loads its plugins.
/// @returns errc::io_error if there is no such folder;
/// errc::corrupt_checkpoint.
expected<opened_run> open_saved_run(const std::filesystem::path& run);

/// What its particles say about rows. Those that have diverged are named on
/// stderr and left out.
/// @param inputs [B, ...], encoded as the run's.
expected<posterior_answer> answer(const opened_run& run,
                                  const at::Tensor& inputs);

/// The inputs of the run's test rows, from the data that its config names.
/// @returns errc::invalid_data if these are not the run's any more.
expected<at::Tensor> test_inputs(const std::filesystem::path& folder,
                                 const opened_run& run);

} // namespace posse
