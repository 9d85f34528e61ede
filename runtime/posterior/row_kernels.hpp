#pragma once

#include <cstdint>

/// The inner loops of SVGD, compiled once for each instruction set. They work
/// on blocks of rows in memory of their own (row_block in row_blocks.hpp):
/// row-major, with a row every `stride` elements, as many rows and columns as
/// the kernels want, zeros in those that are nobody's. MKL's mixtures are as
/// fast, but its bits follow from the shape of a product, and so from how
/// columns are shared; its products of pairs compute each pair twice.
namespace posse {

/// @tparam Real float or double.
template <class Real>
struct row_kernels {
  /// Blocks have a multiple of so many rows, and of so many columns.
  std::int64_t rows;
  std::int64_t columns;

  /// Takes its mean over the first `count` rows off every column.
  /// @param means Room for `width` elements.
  void (*centre)(Real* block, std::int64_t stride, std::int64_t count,
                 std::int64_t width, Real* means);

  /// sums [count, count], on and right of the diagonal, += the products of the
  /// rows. @param width A multiple of `columns`; here and in mix()
  /// and finish().
  void (*add_products)(const Real* block, std::int64_t stride,
                       std::int64_t count, std::int64_t width, double* sums);

  /// drive <- score - pull * theta.
  void (*drive)(const Real* score, const Real* theta, Real pull,
                std::int64_t width, Real* drive);

  /// out[i] <- sum over j < count of weight_ij block[j].
  /// @param weights In tiles of `rows` rows, each [count, rows], the last one
  ///   with zeros.
  void (*mix)(const Real* weights, const Real* block, std::int64_t stride,
              std::int64_t count, std::int64_t width, Real* out);

  /// values <- scale * (values + score) + shift * theta.
  /// @returns the largest magnitude; NaN if any value is not finite.
  Real (*finish)(Real* values, const Real* score, const Real* theta,
                 std::int64_t width, Real scale, Real shift);
};

/// Those for LibTorch's choice of an instruction set in this process: SVGD's
/// bits are portable where LibTorch's are.
template <class Real>
const row_kernels<Real>& row_kernels_here();

// Each for processors that have it, for a test that compares them.
namespace plain_kernels {
extern const row_kernels<float> for_float;
extern const row_kernels<double> for_double;
} // namespace plain_kernels
#ifdef __x86_64__
namespace avx2_kernels {
extern const row_kernels<float> for_float;
extern const row_kernels<double> for_double;
} // namespace avx2_kernels
namespace avx512_kernels {
extern const row_kernels<float> for_float;
extern const row_kernels<double> for_double;
} // namespace avx512_kernels
#endif

} // namespace posse
