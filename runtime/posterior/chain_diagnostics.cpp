#include "runtime/posterior/chain_diagnostics.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace posse {

namespace {

/// The half chains of one quantity.
class half_chains {
public:
  /// @param draws [M, D, Q], contiguous.
  half_chains(const at::Tensor& draws, std::int64_t quantity)
      : count_{2 * draws.size(0)}, length_{draws.size(1) / 2} {
    const auto all = draws.accessor<double, 3>();
    const auto second = draws.size(1) - length_;
    for (std::int64_t m = 0; m < draws.size(0); ++m)
      for (const auto first : {std::int64_t{0}, second})
        for (std::int64_t i = 0; i < length_; ++i)
          values_.push_back(all[m][first + i][quantity]);
    for (std::int64_t c = 0; c < count_; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < length_; ++i)
        sum += at(c, i);
      means_.push_back(sum / static_cast<double>(length_));
    }
    within_ = covariance(0) * size() / (size() - 1);
    pooled_ = covariance(0) + variance_of_means();
  }

  /// Average of the chains' variances, by length - 1.
  double within() const noexcept { return within_; }
  /// The variance of all draws, estimated from above.
  double pooled() const noexcept { return pooled_; }
  std::int64_t length() const noexcept { return length_; }
  double draws() const noexcept {
    return static_cast<double>(count_ * length_);
  }

  /// The correlation of draws so many steps apart.
  double correlation(std::int64_t lag) const {
    return 1 - (within_ - covariance(lag)) / pooled_;
  }

private:
  double at(std::int64_t chain, std::int64_t i) const {
    return values_[static_cast<std::size_t>(chain * length_ + i)];
  }
  double size() const noexcept { return static_cast<double>(length_); }

  /// Average over the chains of the covariance of draws so many steps apart,
  /// by length.
  double covariance(std::int64_t lag) const {
    double sum = 0;
    for (std::int64_t c = 0; c < count_; ++c) {
      const auto mean = means_[static_cast<std::size_t>(c)];
      for (std::int64_t i = 0; i + lag < length_; ++i)
        sum += (at(c, i) - mean) * (at(c, i + lag) - mean);
    }
    return sum / draws();
  }

  double variance_of_means() const {
    double mean = 0;
    for (auto x : means_)
      mean += x / static_cast<double>(count_);
    double sum = 0;
    for (auto x : means_)
      sum += (x - mean) * (x - mean);
    return sum / static_cast<double>(count_ - 1);
  }

  std::int64_t count_;
  std::int64_t length_;
  std::vector<double> values_;
  std::vector<double> means_;
  double within_{0};
  double pooled_{0};
};

double effective_draws(const half_chains& chains) {
  // 1 + 2 (rho_1 + rho_2 + ...), in pairs from (rho_0, rho_1) on.
  double sum = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t lag = 0; lag + 1 < chains.length(); lag += 2) {
    const double first = lag == 0 ? 1 : chains.correlation(lag);
    const double pair = first + chains.correlation(lag + 1);
    if (!(pair > 0))
      break;
    least = std::min(least, pair);
    sum += least;
  }
  // Draws that alternate may know the mean better than independent ones, but
  // an estimate of that is not believed without end.
  const double time = std::max(2 * sum - 1, 1 / std::log10(chains.draws()));
  return chains.draws() / time;
}

} // namespace

expected<chain_diagnostics> diagnose_chains(const at::Tensor& draws) {
  return guarded("chains", [&]() -> expected<chain_diagnostics> {
    auto all = checked_real("draws", draws, {-1, -1, -1});
    if (!all)
      return fail(std::move(all));
    if (all->size(1) < least_draws_to_diagnose)
      return fail(errc::invalid_argument,
                  c10::str("draws: expected at least ", least_draws_to_diagnose,
                           " of each chain, got ", all->size(1)));
    const auto quantities = all->size(2);
    chain_diagnostics out{at::empty({quantities}, at::kDouble),
                          at::empty({quantities}, at::kDouble)};
    auto* r_hat = out.r_hat.mutable_data_ptr<double>();
    auto* effective = out.effective_draws.mutable_data_ptr<double>();
    for (std::int64_t q = 0; q < quantities; ++q) {
      const half_chains chains{*all, q};
      const bool moves = chains.within() > 0;
      r_hat[q] = moves ? std::sqrt(chains.pooled() / chains.within())
                       : std::numeric_limits<double>::infinity();
      effective[q] = moves ? effective_draws(chains) : 0;
    }
    return out;
  });
}

} // namespace posse
