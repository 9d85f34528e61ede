#pragma once

#include "apps/posse/bench/workload.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace posse::bench {

/// N networks as a user of LibTorch alone would write them: torch::nn modules,
/// torch::optim, one network after the other on the calling thread. Throws what
/// LibTorch throws.
class plain_ensemble {
public:
  plain_ensemble(const workload& work, std::int64_t particles);
  ~plain_ensemble();
  plain_ensemble(const plain_ensemble&) = delete;
  plain_ensemble& operator=(const plain_ensemble&) = delete;

  /// Each network takes one step of stochastic gradient descent on the batch.
  void step(const batch& rows);

  /// All networks move by SVGD in its matrix form: gradients by a loop, then
  /// X, S [N, D] and K [N, N] in float,
  ///   X += lr/N (K S + 2/h (diag(K 1) X - K X)).
  void svgd_step(const batch& rows);

  /// D, parameters of one network.
  std::int64_t length() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Runs `f` in a thread of its own whose LibTorch operations use all cores; the
/// caller's operations keep to what they used before.
void with_all_cores(const std::function<void()>& f);

/// Cores that with_all_cores() uses.
int all_cores() noexcept;

} // namespace posse::bench
