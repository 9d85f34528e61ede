#pragma once

#include "messages/failure.hpp"
#include "runtime/config/run_config.hpp"
#include "runtime/data/data_set.hpp"

#include <memory>

namespace posse {

/// The data set of a run, loaded once a process: driver and nodes that ask for
/// the same one share it, as long as somebody uses it. Thread-safe; who asks
/// while it is being loaded waits.
///
/// @returns what load_data_set() fails with.
expected<std::shared_ptr<const data_set>> open_data(const run_config& config);

} // namespace posse
