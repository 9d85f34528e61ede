#pragma once

#include "messages/failure.hpp"
#include "runtime/data/data_set.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <span>

namespace posse {

/// Rows as a model takes them, contiguous and on the CPU. May be shared by all
/// particles of a process: read only.
struct batch {
  at::Tensor inputs;  ///< float32 [rows, input_shape...]
  at::Tensor targets; ///< float32 [rows, 1], standardised; or int64 [rows]
};

/// The float32 that each of the 256 values of a pixel is encoded as.
using pixel_codes = std::array<float, 256>;
[[nodiscard]] pixel_codes encode_pixels(const data_encoding& encoding);

/// Copies the rows `places` (numbers below part.size()) into new tensors,
/// pixels encoded by `codes`. May throw what LibTorch throws.
[[nodiscard]] batch gather(const data_rows& part, const pixel_codes& codes,
                           std::span<const std::uint32_t> places);

/// Rows in their order, in chunks: for predictions and metrics. A view of
/// what is encoded already; pixels are encoded chunk by chunk. Immutable.
class chunks {
public:
  /// All rows of a part. @param chunk_rows > 0
  chunks(const data_set& data, data_part part, std::int64_t chunk_rows);

  /// Other rows, such as those of encode_rows(); their batches have no targets
  /// (an undefined tensor).
  /// @param inputs float32 [n, input_shape...]
  chunks(at::Tensor inputs, std::int64_t chunk_rows);

  /// Number of chunks: rows / chunk_rows, rounded up.
  [[nodiscard]] std::int64_t size() const noexcept;

  /// Chunk `index`; the last one may be shorter.
  /// @returns errc::invalid_argument if there is no such chunk, or
  ///   errc::out_of_memory.
  [[nodiscard]] expected<batch> at(std::int64_t index) const;

private:
  at::Tensor inputs_;
  at::Tensor targets_;
  std::int64_t chunk_rows_;
  pixel_codes codes_{};
};

} // namespace posse
