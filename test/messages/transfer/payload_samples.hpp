#pragma once

#include "messages/transfer/scattered_payload.hpp"

#include <algorithm>
#include <new>
#include <random>
#include <span>
#include <vector>

namespace posse::samples {

/// `size` bytes that differ from place to place and from seed to seed.
inline std::vector<std::byte> noise(std::size_t size, std::uint64_t seed = 1) {
  std::mt19937_64 random{seed};
  std::vector<std::byte> bytes(size);
  for (auto& b : bytes)
    b = static_cast<std::byte>(random());
  return bytes;
}

/// Shares a copy of `bytes`.
inline shared_bytes shared(std::span<const std::byte> bytes) {
  auto copy =
      std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  return {{copy, copy->data()}, copy->size()};
}

/// A copy of `bytes` that starts at a multiple of 64 bytes.
inline shared_bytes aligned(std::span<const std::byte> bytes) {
  constexpr std::align_val_t alignment{64};
  std::shared_ptr<std::byte> copy{
      static_cast<std::byte*>(::operator new(bytes.size() + 1, alignment)),
      [](std::byte* p) { ::operator delete(p, alignment); }};
  std::ranges::copy(bytes, copy.get());
  return {copy, bytes.size()};
}

inline scattered_payload payload(std::span<const std::byte> bytes) {
  scattered_payload x;
  x.append(shared(bytes));
  return x;
}

/// All of `x`, copied.
inline std::vector<std::byte> joined(const scattered_payload& x) {
  const auto whole = x.slice(0, static_cast<std::size_t>(x.size()));
  return {whole.span().begin(), whole.span().end()};
}

} // namespace posse::samples
