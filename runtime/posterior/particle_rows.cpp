#include "runtime/posterior/particle_rows.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

namespace posse {

namespace {

std::string describe(const at::Tensor& x) {
  if (!x.defined())
    return "an undefined tensor";
  auto strided = x.layout() == at::kStrided && !x.is_contiguous();
  return c10::str(x.scalar_type(), " ", x.sizes(), " on ", x.device(),
                  strided ? ", not contiguous" : "");
}

/// to[i] = from[i], rounded. In runs of eight, which the compiler turns into
/// vector instructions without being told to.
template <class From, class To>
void convert(const From* __restrict from, std::int64_t n,
             To* __restrict to) noexcept {
  if constexpr (std::is_same_v<From, To>) {
    std::copy_n(from, n, to);
  } else {
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (std::int64_t k = 0; k < 8; ++k)
        to[i + k] = static_cast<To>(from[i + k]);
    for (; i < n; ++i)
      to[i] = static_cast<To>(from[i]);
  }
}

bool is_row(const at::Tensor& x) {
  return x.defined() && x.layout() == at::kStrided && x.device().is_cpu()
         && x.dim() == 1 && x.numel() > 0 && x.is_contiguous()
         && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

} // namespace

expected<particle_rows> particle_rows::of(std::string_view what,
                                          std::span<const at::Tensor> rows) {
  if (rows.empty())
    return fail(errc::invalid_argument,
                c10::str(what, ": expected at least one row, got none"));
  particle_rows result;
  result.data_.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (!is_row(row))
      return fail(
          errc::invalid_argument,
          c10::str(
              what, ": row ", i,
              ": expected a contiguous float32 or float64 row on the CPU, got ",
              describe(row)));
    if (row.numel() != rows[0].numel()
        || row.scalar_type() != rows[0].scalar_type())
      return fail(errc::invalid_argument,
                  c10::str(what, ": row ", i, ": expected ", describe(rows[0]),
                           " as in row 0, got ", describe(row)));
    result.data_.push_back(row.data_ptr());
  }
  result.length_ = rows[0].numel();
  result.is_double_ = rows[0].scalar_type() == at::kDouble;
  return result;
}

double particle_rows::largest() const noexcept {
  return is_double_ ? std::numeric_limits<double>::max()
                    : std::numeric_limits<float>::max();
}

template <class Real>
void particle_rows::gather(std::int64_t first, std::int64_t width, Real* block,
                           std::int64_t stride) const noexcept {
  for (auto* row : data_) {
    if (is_double_)
      convert(static_cast<const double*>(row) + first, width, block);
    else
      convert(static_cast<const float*>(row) + first, width, block);
    block += stride;
  }
}

template <class Real>
void particle_rows::scatter(std::int64_t row, std::int64_t first,
                            std::int64_t width,
                            const Real* values) const noexcept {
  auto* to = data_[static_cast<std::size_t>(row)];
  if (is_double_)
    convert(values, width, static_cast<double*>(to) + first);
  else
    convert(values, width, static_cast<float*>(to) + first);
}

template void particle_rows::gather(std::int64_t, std::int64_t, float*,
                                    std::int64_t) const noexcept;
template void particle_rows::gather(std::int64_t, std::int64_t, double*,
                                    std::int64_t) const noexcept;
template void particle_rows::scatter(std::int64_t, std::int64_t, std::int64_t,
                                     const float*) const noexcept;
template void particle_rows::scatter(std::int64_t, std::int64_t, std::int64_t,
                                     const double*) const noexcept;

} // namespace posse
