#pragma once

#include "apps/posse/bench/options.hpp"
#include "apps/posse/bench/row.hpp"

#include <vector>

namespace posse::bench {

/// One particle's optimizer step: `bare`, `bare-threads`, `posse-unfused`,
/// `posse`, which computes particles together where that is faster; and peers.
expected<std::vector<row>> measure_step(const options& opts);

/// One iteration of SVGD over all particles: `matrix`, `matrix-threads`,
/// `kernel` (svgd_direction() alone, without gradients), `posse`; and
/// peers.
expected<std::vector<row>> measure_svgd(const options& opts);

/// A particle's step, `posse` only, with many particles: what the start took
/// and memory beside it.
expected<std::vector<row>> measure_scale(const options& opts);

/// One particle out of the only slot and another one in: `memcpy` of the same
/// rows, `posse`.
expected<std::vector<row>> measure_swap(const options& opts);

/// One awaited round trip between two actors, in one process and in two: `caf`
/// (two event-based actors), `posse` (two particles). And `push`: a large
/// message between two processes.
expected<std::vector<row>> measure_message(const options& opts);

} // namespace posse::bench
