#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <memory>

namespace posse {

/// What `run.fuse = "auto"` is for this run, by a trial of some milliseconds on
/// this machine; what a config says otherwise stays. "off" wherever groups
/// cannot be: on accelerators, with one particle a lane, and for networks that
/// do not know their gradients in a group.
///
/// @returns fuse_mode::on or off; what make_run_plan() fails with.
expected<fuse_mode> choose_fuse(const run_config& config,
                                const std::shared_ptr<const data_set>& data);

} // namespace posse
