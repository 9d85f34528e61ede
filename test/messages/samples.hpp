#pragma once

#include "messages/tensor_blob.hpp"
#include "messages/value.hpp"

#include <bit>
#include <cstring>
#include <limits>
#include <vector>

namespace posse::samples {

/// A tensor that owns a copy of `elements`.
template <class T>
tensor_blob blob(dtype type, std::vector<std::int64_t> shape,
                 const std::vector<T>& elements) {
  const auto size = elements.size() * sizeof(T);
  auto bytes = std::make_shared<std::byte[]>(size);
  if (size > 0)
    std::memcpy(bytes.get(), elements.data(), size);
  return {type, std::move(shape), {bytes, bytes.get()}};
}

/// The doubles that a careless wire format loses: both infinities, quiet and
/// signalling NaNs with payloads, a negative zero, the smallest subnormal, the
/// extremes, and a number with all its bits.
inline std::vector<double> hard_doubles() {
  using limits = std::numeric_limits<double>;
  return {limits::infinity(),
          -limits::infinity(),
          std::bit_cast<double>(std::uint64_t{0x7ff8'dead'beef'0001}),
          std::bit_cast<double>(std::uint64_t{0xfff0'0000'0000'0007}),
          -0.0,
          limits::denorm_min(),
          -limits::denorm_min(),
          limits::max(),
          limits::min(),
          0.1};
}

inline std::vector<float> hard_floats() {
  using limits = std::numeric_limits<float>;
  return {limits::infinity(),   std::bit_cast<float>(0x7fc0'1234u), -0.0f,
          limits::denorm_min(), std::bit_cast<float>(0xff80'0001u), 0.1f};
}

/// Every type of value, nested, with all the numbers above.
inline value everything() {
  value_list reals;
  for (const auto x : hard_doubles())
    reals.emplace_back(x);
  return value_dict{
      {"", value{}},
      {"a long key, longer than any short string", true},
      {"bool", false},
      {"bytes", std::string("\0\xff\x80 text", 8)},
      {"doubles", std::move(reals)},
      {"empty dict", value_dict{}},
      {"empty list", value_list{}},
      {"empty string", ""},
      {"int", std::numeric_limits<std::int64_t>::min()},
      {"nested", value_list{value_dict{{"x", value_list{1, 2.0, "3"}}}}},
      {"tensors",
       value_list{blob(dtype::f32, {2, 3}, hard_floats()),
                  blob(dtype::f64, {10}, hard_doubles()),
                  blob(dtype::i64, {}, std::vector<std::int64_t>{-1}),
                  blob(dtype::boolean, {3}, std::vector<std::uint8_t>{1, 0, 1}),
                  blob(dtype::bf16, {1, 0, 7}, std::vector<std::uint16_t>{}),
                  tensor_blob{}}},
  };
}

} // namespace posse::samples
