#include "runtime/posterior/row_blocks.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace posse {

namespace {

std::int64_t round_up(std::int64_t x, std::int64_t step) {
  return (x + step - 1) / step * step;
}

} // namespace

std::int64_t block_width(std::int64_t count) {
  return count <= 64 ? 512 : 256;
}

template <class Real>
row_block<Real>::row_block(std::int64_t count) : count_{count} {
  const auto& kernels = row_kernels_here<Real>();
  // A cache line more than a power of 2: rows below one another would all lie
  // in the same few sets of the cache.
  constexpr auto line = std::int64_t{64 / sizeof(Real)};
  stride_ = round_up(block_width(count), kernels.columns) + line;
  const auto rows = round_up(count, kernels.rows);
  space_ = at::empty({rows * stride_}, c10::CppTypeToScalarType<Real>::value);
  data_ = space_.mutable_data_ptr<Real>();
  std::fill(row(count), row(rows), Real{0});
}

template <class Real>
void row_block<Real>::resize(std::int64_t columns) {
  columns_ = columns;
  padded_ = round_up(columns, row_kernels_here<Real>().columns);
}

template <class Real>
void row_block<Real>::gather(const particle_rows& rows, column_range columns) {
  resize(columns.width);
  rows.gather(columns.first, columns.width, data(), stride_);
  for (std::int64_t i = 0; i < count_; ++i)
    std::fill(row(i) + columns_, row(i) + padded_, Real{0});
}

template <class Real>
void row_block<Real>::centre() {
  centre_first(count_);
}

template <class Real>
void row_block<Real>::centre_first(std::int64_t rows) {
  std::vector<Real> means(static_cast<std::size_t>(padded_));
  row_kernels_here<Real>().centre(data(), stride_, rows, padded_, means.data());
}

template <class Real>
void row_block<Real>::scale(Real factor) {
  for (std::int64_t i = 0; i < count_; ++i)
    for (auto* x = row(i); x != row(i) + padded_; ++x)
      *x *= factor;
}

template <class Real>
std::int64_t row_block<Real>::first_non_finite_row() const {
  for (std::int64_t i = 0; i < count_; ++i)
    if (!std::all_of(row(i), row(i) + columns_,
                     [](Real x) { return std::isfinite(x); }))
      return i;
  return count_;
}

template class row_block<float>;
template class row_block<double>;

std::int64_t first_non_finite_row(const particle_rows& rows) {
  auto bad = rows.count();
  row_block<double> block{rows.count()};
  for_each_block(rows.count(), {0, rows.length()}, [&](column_range columns) {
    block.gather(rows, columns);
    bad = std::min(bad, block.first_non_finite_row());
  });
  return bad;
}

failure non_finite_rows(std::string_view what, const particle_rows& rows) {
  const auto bad = first_non_finite_row(rows);
  if (bad == rows.count())
    return {errc::non_finite,
            c10::str(what, ": numbers too large: their products overflow")};
  return {errc::non_finite,
          c10::str(what, ": row ", bad, " holds NaN or infinity")};
}

} // namespace posse
