#pragma once

#include "test/support/catch.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <cstring>

namespace posse::testing {

/// Standard normal draws of a seed.
inline at::Tensor draws(at::IntArrayRef shape, std::uint64_t seed,
                        at::ScalarType type = at::kDouble) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), type);
}

inline bool equal_bits(const at::Tensor& a, const at::Tensor& b) {
  auto x = a.contiguous();
  auto y = b.contiguous();
  return x.sizes() == y.sizes() && x.nbytes() == y.nbytes()
         && std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes())
                == 0;
}

} // namespace posse::testing
