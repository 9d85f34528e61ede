#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace posse {

/// Immutable bytes and a share in whatever owns them. Copying shares.
struct shared_bytes {
  std::shared_ptr<const std::byte> data;
  std::size_t size{0};

  std::span<const std::byte> span() const noexcept {
    return {data.get(), size};
  }

  /// `count` bytes from `offset` on, with the same owner.
  /// @param offset, count offset + count <= size.
  shared_bytes part(std::size_t offset, std::size_t count) const noexcept {
    return {{data, data.get() + offset}, count};
  }
};

} // namespace posse
