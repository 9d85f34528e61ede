#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace posse {

namespace {

std::string shape_of(const at::Tensor& x) {
  if (!x.defined())
    return "an undefined tensor";
  return fmt::format("{} [{}]", c10::toString(x.scalar_type()),
                     fmt::join(x.sizes(), ", "));
}

bool fits(const at::Tensor& x, const std::vector<std::int64_t>& shape) {
  if (!x.defined() || x.sizes().size() != shape.size())
    return false;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (shape[d] == -1 ? x.sizes()[d] == 0 : x.sizes()[d] != shape[d])
      return false;
  return true;
}

} // namespace

expected<at::Tensor> checked_real(std::string_view what, const at::Tensor& x,
                                  const std::vector<std::int64_t>& shape) {
  if (!fits(x, shape) || !x.is_floating_point())
    return fail(errc::invalid_argument,
                fmt::format("{}: expected floating point [{}] (-1: any size > "
                            "0), got {}",
                            what, fmt::join(shape, ", "), shape_of(x)));
  auto result = x.detach().to(at::kCPU, at::kDouble).contiguous();
  auto finite = result.isfinite();
  if (!finite.all().item<bool>()) {
    auto place = finite.logical_not().nonzero()[0];
    const auto* index = place.const_data_ptr<std::int64_t>();
    return fail(errc::non_finite,
                fmt::format("{}: NaN or infinity at [{}]", what,
                            fmt::join(index, index + place.numel(), ", ")));
  }
  return result;
}

expected<at::Tensor> checked_labels(std::string_view what, const at::Tensor& x,
                                    std::int64_t rows, std::int64_t classes) {
  if (!fits(x, {rows}) || x.scalar_type() != at::kLong)
    return fail(errc::invalid_argument,
                fmt::format("{}: expected int64 [{}], got {}", what, rows,
                            shape_of(x)));
  auto result = x.to(at::kCPU).contiguous();
  const auto* labels = result.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows; ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      return fail(errc::invalid_argument,
                  fmt::format("{}: row {}: expected a class in [0, {}), got {}",
                              what, i, classes, labels[i]));
  return result;
}

} // namespace posse
