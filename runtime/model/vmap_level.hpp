#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>

#include <cstdint>

namespace posse {

/// A functorch vmap of `rows`, on this thread, while it lives.
class vmap_level {
public:
  /// @param numbers Whether what is drawn is the same for all rows. What draws
  ///   in a generator_scope of several generators is not asked.
  vmap_level(std::int64_t rows, at::functorch::RandomnessType numbers)
      : id_{at::functorch::initAndPushDynamicLayer(
          at::functorch::TransformType::Vmap, c10::SymInt{rows}, numbers)} {}
  vmap_level(const vmap_level&) = delete;
  vmap_level& operator=(const vmap_level&) = delete;
  ~vmap_level() { at::functorch::popDynamicLayerAndDeleteMetadata(); }

  /// What is computed of `x` [rows, ...] is computed of each row.
  at::Tensor with_rows(const at::Tensor& x) const {
    return at::functorch::makeBatched(x, 0, id_);
  }

  /// [rows, ...]; throws c10::Error if `x` is the same for all rows.
  at::Tensor rows_of(const at::Tensor& x) const {
    const auto* batched = at::functorch::maybeGetBatchedImpl(x);
    TORCH_CHECK(batched != nullptr && batched->level() == id_,
                "the outputs do not depend on what differs between rows");
    return batched->value().movedim(batched->bdim(), 0);
  }

private:
  std::int64_t id_;
};

} // namespace posse
