#include "runtime/posterior/checked_tensor.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

#include <string>

namespace posse {

namespace {

std::string shape_of(const at::Tensor& x) {
  if (!x.defined())
    return "an undefined tensor";
  return c10::str(x.scalar_type(), " ", x.sizes());
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
                c10::str(what, ": expected floating point ",
                         at::IntArrayRef{shape}, " (-1: any size > 0), got ",
                         shape_of(x)));
  auto result = x.detach().to(at::kCPU, at::kDouble).contiguous();
  auto finite = result.isfinite();
  if (!finite.all().item<bool>()) {
    auto place = finite.logical_not().nonzero()[0];
    at::IntArrayRef index{place.const_data_ptr<std::int64_t>(),
                          static_cast<std::size_t>(place.numel())};
    return fail(errc::non_finite,
                c10::str(what, ": NaN or infinity at ", index));
  }
  return result;
}

expected<at::Tensor> checked_labels(std::string_view what, const at::Tensor& x,
                                    std::int64_t rows, std::int64_t classes) {
  if (!fits(x, {rows}) || x.scalar_type() != at::kLong)
    return fail(errc::invalid_argument, c10::str(what, ": expected int64 [",
                                                 rows, "], got ", shape_of(x)));
  auto result = x.to(at::kCPU).contiguous();
  const auto* labels = result.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows; ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      return fail(errc::invalid_argument,
                  c10::str(what, ": row ", i, ": expected a class in [0, ",
                           classes, "), got ", labels[i]));
  return result;
}

} // namespace posse
