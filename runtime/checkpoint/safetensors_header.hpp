#pragma once

#include "messages/failure.hpp"
#include "messages/tensor_blob.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace posse {

/// What the header of a safetensors file says about one tensor.
struct tensor_entry {
  std::string name;
  dtype type{dtype::f32};
  std::vector<std::int64_t> shape; ///< sizes, each >= 0; empty for a scalar
  std::uint64_t begin{0}; ///< first byte, counted from the header's end
  std::uint64_t end{0};   ///< one past the last byte

  std::uint64_t size_bytes() const noexcept { return end - begin; }
};

/// The header of a safetensors file, tensors in the order it names them.
struct safetensors_header {
  std::map<std::string, std::string> metadata; ///< its `__metadata__`
  std::vector<tensor_entry> tensors;
};

/// Lays the tensors out without holes, those with the largest elements first
/// (in the given order where equal), so that each is aligned to its elements;
/// sets every `begin` and `end`.
/// @returns indices into `tensors` in the order of their bytes.
std::vector<std::size_t> lay_out(std::vector<tensor_entry>& tensors);

/// The header as JSON, padded with spaces to a multiple of 8 bytes.
/// @returns errc::invalid_argument for a name that comes twice, is
///   `__metadata__`, or for text that is no UTF-8.
expected<std::string> format_header(const safetensors_header& header);

/// Reads a header and checks all it says: names that come once, known dtypes,
/// sizes that multiply to the extent without overflow, extents that fill
/// `data_bytes` without hole or overlap.
///
/// @param data_bytes Bytes of the file behind the header.
/// @returns errc::corrupt_checkpoint with what is wrong.
expected<safetensors_header> parse_header(std::string_view json,
                                          std::uint64_t data_bytes);

} // namespace posse
