#pragma once

#include "messages/failure.hpp"
#include "messages/particle_id.hpp"
#include "runtime/compute/loss_average.hpp"

#include <filesystem>
#include <map>
#include <vector>

namespace posse {

/// Learning curves by particle, each by rising step.
using learning_curves = std::map<particle_id, std::vector<learning_point>>;

/// Writes `learning.csv` as one whole: `particle,step,loss,validation` and a
/// line for every point, by particle; `validation` is empty where it was not
/// measured. Numbers are the shortest that read back to the same bits.
/// @returns errc::io_error.
expected<void> write_learning(const std::filesystem::path& path,
                              const learning_curves& curves);

/// Reads what write_learning() wrote.
/// @returns errc::invalid_data, `FILE:LINE: ...`, for anything else; for a file
///   that is not there, too.
expected<learning_curves> read_learning(const std::filesystem::path& path);

/// `earlier`, up to the steps that each particle has really done, and then
/// `later`: what a resumed run, which goes on from a checkpoint, has learned.
/// @param steps_done By particle; one that is not there has done none.
learning_curves
join_learning(learning_curves earlier,
              const std::map<particle_id, std::int64_t>& steps_done,
              const learning_curves& later);

} // namespace posse
