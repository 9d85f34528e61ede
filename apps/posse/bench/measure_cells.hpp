#pragma once

#include "apps/posse/bench/options.hpp"
#include "apps/posse/bench/peers.hpp"
#include "apps/posse/bench/row.hpp"
#include "apps/posse/bench/workload.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace posse::bench {

/// Measures the systems of one model and number of particles. The peers are
/// nullptr if there are none.
using comparison = std::function<expected<std::vector<row>>(
    const workload& work, std::int64_t particles, const options& opts,
    peers* others)>;

/// The rows of all models and numbers of particles that `opts` names, beside
/// its peers; up to the first failure.
/// @param algorithm See make_workload().
expected<std::vector<row>> measure_cells(const options& opts,
                                         std::string_view algorithm,
                                         const comparison& compare);

} // namespace posse::bench
