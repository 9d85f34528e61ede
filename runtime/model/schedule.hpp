#pragma once

#include "runtime/core/registry.hpp"

#include <cstdint>
#include <string_view>

namespace posse {

/// What a learning rate is multiplied by.
///
/// @param step Index of the step, counted from 0; in [0, total].
/// @param total Steps of the whole run; > 0.
/// @returns a factor >= 0; at step 0 usually 1.
using schedule_fn = double (*)(std::int64_t step, std::int64_t total);

/// With s = step / total: constant: 1; linear: 1 - s; cosine:
/// (1 + cos(pi s)) / 2, PyTorch's CosineAnnealingLR with T_max = total
/// (Loshchilov & Hutter, ICLR 2017, eq. 5, without restarts); swa: 1 in the
/// first 3/8 of the run, 0.1 from 27/40 on, a straight line between them, as
/// Maddox et al. (NeurIPS 2019) come to their iterates in the last quarter;
/// cyclical: cosine again in each cycle of the run, which is then what is
/// counted here (Zhang et al., ICLR 2020, eq. 1). And what plugins added.
const registry<schedule_fn>& schedules();

/// Steps of a cycle where `total` are cut into `cycles`, the last of which may
/// be shorter. @param total, cycles > 0.
constexpr std::int64_t cycle_length(std::int64_t total, std::int64_t cycles) {
  return (total + cycles - 1) / cycles;
}

/// Adds a schedule of a plugin, before the first run; errc::invalid_argument
/// if the name is taken.
expected<void> add_schedule(std::string name, schedule_fn function);

/// The factor of one step; errc::unknown_name for the kind,
/// errc::invalid_argument for a step outside [0, total] or a total < 1.
[[nodiscard]] expected<double>
schedule_factor(std::string_view kind, std::int64_t step, std::int64_t total);

/// PyTorch's LinearLR, which PusH's schedulers are: from `start` at step 0 in a
/// straight line to `end` at step `iterations`, and there it stays.
///
/// @param step >= 0.
/// @param iterations > 0.
double linear_lr_factor(double start, double end, std::int64_t iterations,
                        std::int64_t step) noexcept;

} // namespace posse
