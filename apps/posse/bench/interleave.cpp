#include "apps/posse/bench/interleave.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace posse::bench {

namespace {

std::string title(const row& x) {
  return fmt::format("{} {} {} particles", x.bench, x.model, x.particles);
}

} // namespace

expected<std::vector<row>> interleave(std::vector<contender> contenders,
                                      std::size_t repetitions) {
  if (contenders.empty())
    return std::vector<row>{};
  const auto start = clock::now();
  for (auto& x : contenders)
    if (auto warm = x.repeat(); !warm)
      return fail(std::move(warm));
  std::vector<std::vector<double>> times(contenders.size());
  for (std::size_t round = 0; round < repetitions; ++round)
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const auto which = (round + i) % contenders.size();
      auto us = contenders[which].repeat();
      if (!us)
        return fail(std::move(us));
      times[which].push_back(*us);
    }
  std::vector<row> rows;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    summarise(std::move(times[i]), contenders[i].result);
    rows.push_back(std::move(contenders[i].result));
  }
  fmt::print(stderr, "{}: {} systems, {} repetitions, {:.1f} s\n",
             title(rows.front()), rows.size(), repetitions,
             us_since(start) * 1e-6);
  return rows;
}

} // namespace posse::bench
