#include "runtime/posterior/predictive_distance.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace posse {

namespace {

constexpr std::size_t edges_each = 256;

/// Points that lie as densely as the mixture's own mass.
void add_edges(const gaussian_mixture& f, std::vector<double>& out) {
  std::vector<double> all;
  for (std::size_t i = 0; i < f.means.size(); ++i)
    for (double z = -4; z <= 4; z += 0.125)
      all.push_back(f.means[i] + z * f.deviations[i]);
  std::ranges::sort(all);
  const auto last = static_cast<double>(all.size() - 1);
  for (std::size_t k = 0; k < edges_each; ++k)
    out.push_back(all[static_cast<std::size_t>(
        std::round(last * static_cast<double>(k) / (edges_each - 1)))]);
}

} // namespace

double total_variation(const gaussian_mixture& f, const gaussian_mixture& g) {
  std::vector<double> edges;
  add_edges(f, edges);
  add_edges(g, edges);
  std::ranges::sort(edges);
  double sum = 0;
  double below_f = 0;
  double below_g = 0;
  for (const auto edge : edges) {
    const auto to_f = cdf(f, edge);
    const auto to_g = cdf(g, edge);
    sum += std::abs((to_f - below_f) - (to_g - below_g));
    below_f = to_f;
    below_g = to_g;
  }
  sum += std::abs(below_g - below_f); // above the last edge
  return sum / 2;
}

class_distance distance_of_classes(const at::Tensor& p, const at::Tensor& q) {
  return {p.argmax(1).eq(q.argmax(1)).to(at::kDouble).mean().item<double>(),
          (p - q).abs().sum(1).mean().item<double>() / 2};
}

} // namespace posse
