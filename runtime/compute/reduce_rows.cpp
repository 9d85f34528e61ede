#include "runtime/compute/reduce_rows.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ATen.h>
#include <c10/util/StringUtil.h>

namespace posse {

expected<at::Tensor> reduce_rows(std::span<const at::Tensor> rows,
                                 reduction how) {
  return guarded("reduce", [&]() -> expected<at::Tensor> {
    if (rows.empty())
      return fail(errc::invalid_argument,
                  "reduce: expected at least one row, got none");
    const auto& first = rows.front();
    for (const auto& row : rows)
      if (row.dim() != 1 || row.sizes() != first.sizes()
          || row.scalar_type() != first.scalar_type()
          || !row.is_floating_point())
        return fail(errc::invalid_argument,
                    c10::str("reduce: expected rows like ", first.sizes(), " ",
                             first.scalar_type(), ", got ", row.sizes(), " ",
                             row.scalar_type()));
    auto sum = at::zeros(first.sizes(), at::kDouble);
    for (const auto& row : rows)
      sum.add_(row);
    if (how == reduction::mean)
      sum.div_(static_cast<double>(rows.size()));
    return sum.to(first.scalar_type());
  });
}

} // namespace posse
