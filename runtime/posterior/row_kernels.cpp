#include "runtime/posterior/row_kernels.hpp"

#include "runtime/device/portable_bits.hpp"

#include <string>

namespace posse {

namespace {

template <class Real>
const row_kernels<Real>& one_of(const row_kernels<float>& for_float,
                                const row_kernels<double>& for_double) {
  if constexpr (sizeof(Real) == sizeof(float))
    return for_float;
  else
    return for_double;
}

template <class Real>
const row_kernels<Real>& kernels_for(const std::string& capability) {
#ifdef __x86_64__
  if (capability.starts_with("AVX512"))
    return one_of<Real>(avx512_kernels::for_float, avx512_kernels::for_double);
  if (capability.starts_with("AVX2"))
    return one_of<Real>(avx2_kernels::for_float, avx2_kernels::for_double);
#else
  static_cast<void>(capability);
#endif
  return one_of<Real>(plain_kernels::for_float, plain_kernels::for_double);
}

} // namespace

template <class Real>
const row_kernels<Real>& row_kernels_here() {
  static const auto& here = kernels_for<Real>(cpu_capability());
  return here;
}

template const row_kernels<float>& row_kernels_here<float>();
template const row_kernels<double>& row_kernels_here<double>();

} // namespace posse
