#pragma once

#include "runtime/data/data_set.hpp"

#include <cstdint>

namespace posse {

/// The order that all particles share in an epoch: a permutation.
inline constexpr std::uint32_t shared_stream = 0xffffffff;
/// The rows as they are kept, the same in all epochs.
inline constexpr std::uint32_t in_order_stream = 0xfffffffe;

/// Names one batch of a data set, the same on every node: what travels instead
/// of the tensors.
struct batch_ref {
  data_part part{data_part::train};
  std::uint32_t epoch{0};
  std::uint32_t index{0}; ///< below batch_source::batches_per_epoch(part)
  /// `shared_stream`, `in_order_stream`, or else the number of the particle
  /// whose bootstrap sample the batch is from.
  std::uint32_t stream{shared_stream};

  friend bool operator==(const batch_ref&, const batch_ref&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, batch_ref& x) {
  return f(x.part, x.epoch, x.index, x.stream);
}

} // namespace posse
