#include "apps/posse/bench/measure_cells.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace posse::bench {

expected<std::vector<row>> measure_cells(const options& opts,
                                         std::string_view algorithm,
                                         const comparison& compare) {
  auto others = start_peers(opts);
  if (!others)
    return fail(std::move(others));
  std::vector<row> out;
  for (const auto& model : opts.models) {
    auto work = make_workload(model, algorithm);
    if (!work)
      return fail(std::move(work));
    for (auto particles : opts.particles) {
      auto rows = compare(*work, particles, opts, others->get());
      if (!rows)
        return rows;
      std::ranges::move(*rows, std::back_inserter(out));
    }
  }
  return out;
}

} // namespace posse::bench
