#include "runtime/data/batch.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/text.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cassert>

namespace posse {

namespace {

/// `stored` as a model takes it: pixels encoded, anything else as it is.
at::Tensor encoded(const at::Tensor& stored, const pixel_codes& codes) {
  if (stored.scalar_type() != at::kByte)
    return stored;
  auto result = at::empty(stored.sizes(), at::kFloat);
  const auto* from = stored.const_data_ptr<std::uint8_t>();
  std::transform(from, from + stored.numel(), result.mutable_data_ptr<float>(),
                 [&](std::uint8_t pixel) { return codes[pixel]; });
  return result;
}

/// The rows `places` of `stored` as elements of `type`; `copy(from, count, to)`
/// copies one row and returns where the next one goes.
template <class Stored, class Result, class Copy>
at::Tensor gather_rows(const at::Tensor& stored, at::ScalarType type,
                       std::span<const std::uint32_t> places, Copy copy) {
  auto shape = stored.sizes().vec();
  const auto row_size = stored.numel() / std::max<std::int64_t>(1, shape[0]);
  shape[0] = static_cast<std::int64_t>(places.size());
  auto result = at::empty(shape, type);
  const auto* from = stored.const_data_ptr<Stored>();
  auto* to = result.template mutable_data_ptr<Result>();
  for (auto place : places) {
    assert(place < stored.size(0));
    to = copy(from + place * row_size, row_size, to);
  }
  return result;
}

/// Rows that are stored as they are used.
template <class Element>
at::Tensor gather_plain(const at::Tensor& stored,
                        std::span<const std::uint32_t> places) {
  return gather_rows<Element, Element>(
      stored, stored.scalar_type(), places,
      [](const Element* from, std::int64_t count, Element* to) {
        return std::copy_n(from, count, to);
      });
}

at::Tensor gather_pixels(const at::Tensor& stored, const pixel_codes& codes,
                         std::span<const std::uint32_t> places) {
  return gather_rows<std::uint8_t, float>(
      stored, at::kFloat, places,
      [&](const std::uint8_t* from, std::int64_t count, float* to) {
        return std::transform(from, from + count, to,
                              [&](std::uint8_t pixel) { return codes[pixel]; });
      });
}

} // namespace

pixel_codes encode_pixels(const data_encoding& encoding) {
  pixel_codes codes{};
  for (std::size_t value = 0; value < codes.size(); ++value)
    codes[value] = static_cast<float>(
        encoding.input(0).encode(static_cast<double>(value)));
  return codes;
}

batch gather(const data_rows& part, const pixel_codes& codes,
             std::span<const std::uint32_t> places) {
  return {part.inputs.scalar_type() == at::kByte
              ? gather_pixels(part.inputs, codes, places)
              : gather_plain<float>(part.inputs, places),
          part.targets.scalar_type() == at::kLong
              ? gather_plain<std::int64_t>(part.targets, places)
              : gather_plain<float>(part.targets, places)};
}

chunks::chunks(const data_set& data, data_part part, std::int64_t chunk_rows)
    : inputs_{data.part(part).inputs}, targets_{data.part(part).targets},
      chunk_rows_{chunk_rows}, codes_{encode_pixels(data.encoding)} {
  assert(chunk_rows > 0);
}

chunks::chunks(at::Tensor inputs, std::int64_t chunk_rows)
    : inputs_{std::move(inputs)}, chunk_rows_{chunk_rows} {
  assert(chunk_rows > 0 && inputs_.scalar_type() == at::kFloat);
}

std::int64_t chunks::size() const noexcept {
  return (inputs_.size(0) + chunk_rows_ - 1) / chunk_rows_;
}

expected<batch> chunks::at(std::int64_t index) const {
  if (index < 0 || index >= size())
    return fail(
        errc::invalid_argument,
        concat("chunk: expected a number below ", size(), ", got ", index));
  return guarded("chunk of rows", [&]() -> batch {
    auto first = index * chunk_rows_;
    auto rows = std::min(chunk_rows_, inputs_.size(0) - first);
    auto inputs = encoded(inputs_.narrow(0, first, rows), codes_);
    return {std::move(inputs),
            targets_.defined() ? targets_.narrow(0, first, rows) : targets_};
  });
}

} // namespace posse
