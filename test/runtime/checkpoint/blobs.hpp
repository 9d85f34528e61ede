#pragma once

#include "messages/tensor_blob.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace posse::test {

inline constexpr std::array all_dtypes{
    dtype::f32, dtype::f64, dtype::f16, dtype::bf16, dtype::i64,
    dtype::i32, dtype::i16, dtype::i8,  dtype::u8,   dtype::boolean};

/// A blob whose bytes are a copy of `values`.
template <class T>
tensor_blob blob_of(dtype type, std::vector<std::int64_t> shape,
                    const std::vector<T>& values) {
  auto bytes =
      std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(bytes->data(), values.data(), bytes->size());
  return {type, std::move(shape), {bytes, bytes->data()}};
}

/// Random bytes: every bit pattern, NaNs of all kinds included; 0 or 1 where
/// the elements are booleans.
inline tensor_blob random_blob(dtype type, std::vector<std::int64_t> shape,
                               std::mt19937& random) {
  auto size = element_size(type);
  for (auto x : shape)
    size *= static_cast<std::size_t>(x);
  std::vector<std::uint8_t> bytes(size);
  for (auto& x : bytes)
    x = static_cast<std::uint8_t>(random()
                                  & (type == dtype::boolean ? 1 : 255));
  return blob_of(type, std::move(shape), bytes);
}

} // namespace posse::test
