#include "runtime/model/tensor_value.hpp"

#include "runtime/core/guarded.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace posse {

namespace {

constexpr std::array<std::pair<dtype, at::ScalarType>, 10> dtypes{{
    {dtype::f32, at::kFloat},
    {dtype::f64, at::kDouble},
    {dtype::f16, at::kHalf},
    {dtype::bf16, at::kBFloat16},
    {dtype::i64, at::kLong},
    {dtype::i32, at::kInt},
    {dtype::i16, at::kShort},
    {dtype::i8, at::kChar},
    {dtype::u8, at::kByte},
    {dtype::boolean, at::kBool},
}};

} // namespace

expected<tensor_blob> to_blob(const at::Tensor& tensor) {
  if (!tensor.defined())
    return fail(errc::invalid_argument, "tensor: expected one, got none");
  const auto* type = std::ranges::find(
      dtypes, tensor.scalar_type(), &std::pair<dtype, at::ScalarType>::second);
  if (type == dtypes.end() || tensor.layout() != at::kStrided)
    return fail(errc::invalid_argument,
                std::string{"tensor: expected a dense one of a dtype that can "
                            "travel, got "}
                    + c10::toString(tensor.scalar_type()) + " of layout "
                    + (tensor.layout() == at::kStrided ? "strided" : "sparse"));
  return guarded("tensor", [&] {
    auto owner = std::make_shared<const at::Tensor>(
        tensor.detach().to(at::kCPU).contiguous());
    const auto* bytes = static_cast<const std::byte*>(owner->const_data_ptr());
    return tensor_blob{type->first, owner->sizes().vec(),
                       tensor_blob::bytes_ptr{owner, bytes}};
  });
}

expected<at::Tensor> to_tensor(const tensor_blob& blob) {
  const auto* type = std::ranges::find(
      dtypes, blob.type(), &std::pair<dtype, at::ScalarType>::first);
  if (type == dtypes.end())
    return fail(errc::invalid_argument, "tensor: unknown dtype");
  return guarded("tensor", [&] {
    auto bytes = blob.bytes();
    auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if (bytes.empty() || address % element_size(blob.type()) != 0) {
      auto copy = at::empty(blob.shape(), type->second);
      if (!bytes.empty())
        std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
      return copy;
    }
    // LibTorch knows no read-only tensors; the header tells callers instead.
    auto* data = const_cast<std::byte*>(bytes.data());
    return at::from_blob(
        data, blob.shape(), [owner = blob.owner()](void*) {}, type->second);
  });
}

} // namespace posse
