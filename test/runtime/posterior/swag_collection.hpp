#pragma once

#include "runtime/posterior/swag.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace posse::testing {

/// Iterates taken in, with a ring of `rank` columns.
class swag_collection {
public:
  swag_collection(std::int64_t size, std::int64_t rank, at::ScalarType type)
      : moments_{at::empty({size}, type), at::empty({size}, type)},
        ring_{at::empty({rank, size}, type)} {}

  void add(const at::Tensor& w) {
    swag_collect(moments_, ring_[count_ % ring_.size(0)], w, count_);
    ++count_;
  }

  const swag_moments& moments() const { return moments_; }
  std::int64_t count() const { return count_; }
  std::int64_t rank() const { return ring_.size(0); }

  /// The columns that are held, oldest first.
  std::vector<at::Tensor> columns() const {
    std::vector<at::Tensor> out;
    for (auto i = std::max<std::int64_t>(0, count_ - rank()); i < count_; ++i)
      out.push_back(ring_[i % rank()]);
    return out;
  }

  at::Tensor draw(double scale, double least_variance, const at::Tensor& z1,
                  const at::Tensor& z2) const {
    auto out = at::empty_like(moments_.mean);
    swag_draw(moments_, columns(), rank(), scale, least_variance, z1, z2, out);
    return out;
  }

private:
  swag_moments moments_;
  at::Tensor ring_;
  std::int64_t count_{0};
};

} // namespace posse::testing
