#pragma once

#include "messages/failure.hpp"
#include "runtime/compute/trial_cache.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <memory>

namespace posse {

/// What `run.fuse = "auto"` is for this run, by a trial of some 20 ms on
/// this machine; what a config says otherwise stays. "off" wherever neither
/// groups nor parts of a batch can be: on accelerators, with few particles for
/// many lanes, and for networks of which several cannot be computed at once;
/// for a run of one particle, with one lane, and for networks that cannot be
/// cut.
///
/// @param known What a trial of an equal run found before decides again; a new
///   trial is added.
/// @returns fuse_mode::on or off; what make_run_plan() fails with.
expected<fuse_mode> choose_fuse(const run_config& config,
                                const std::shared_ptr<const data_set>& data,
                                const trial_cache& known);

} // namespace posse
