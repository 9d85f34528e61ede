#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// Element types a tensor may have when it travels. Append only.
enum class dtype : std::uint8_t {
  f32 = 1,
  f64,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u8,
  boolean,
};

/// Bytes of one element of `type`; 0 for a value that is no dtype.
std::size_t element_size(dtype type) noexcept;

/// The name as safetensors spells it: "F32", "I64", "BOOL", ...
std::string_view to_string(dtype type) noexcept;

/// A tensor as it travels: dtype, shape and immutable, ref-counted bytes in
/// row-major order, little-endian. Copying a blob shares its bytes; only the
/// wire copies them. Whoever makes one may keep the bytes' owner (a LibTorch
/// tensor, a mapped file) alive through the pointer's deleter.
class tensor_blob {
public:
  using bytes_ptr = std::shared_ptr<const std::byte>;

  /// An empty float tensor of shape [0].
  tensor_blob() = default;

  /// @param shape Sizes, each >= 0; empty for a scalar. The bytes of their
  ///   product fit an int64, zeros among them left out.
  /// @param bytes At least product(shape) * element_size(type) bytes.
  tensor_blob(dtype type, std::vector<std::int64_t> shape, bytes_ptr bytes);

  dtype type() const noexcept { return type_; }
  const std::vector<std::int64_t>& shape() const noexcept { return shape_; }
  /// Number of elements: the product of the shape.
  std::size_t numel() const noexcept { return numel_; }
  std::size_t size_bytes() const noexcept {
    return numel_ * element_size(type_);
  }
  std::span<const std::byte> bytes() const noexcept {
    return {bytes_.get(), size_bytes()};
  }
  const bytes_ptr& owner() const noexcept { return bytes_; }

  /// Equal dtype, shape and bits (so NaN equals itself, and 0 is not -0).
  friend bool operator==(const tensor_blob& a, const tensor_blob& b) noexcept;

private:
  dtype type_{dtype::f32};
  std::vector<std::int64_t> shape_{0};
  std::size_t numel_{0};
  bytes_ptr bytes_;
};

/// For logs and errors: dtype and shape, as `f32[3,2]`.
std::string to_string(const tensor_blob& x);

} // namespace posse
