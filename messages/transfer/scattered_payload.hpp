#pragma once

#include "messages/transfer/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace posse {

/// Bytes to transfer that lie in several places: what the receiver gets is
/// their concatenation. Holds a share in each place, and no copy.
class scattered_payload {
public:
  /// Appends `part`; nothing if it is empty.
  void append(shared_bytes part);

  /// Bytes in all.
  std::uint64_t size() const noexcept {
    return ends_.empty() ? 0 : ends_.back();
  }

  /// `count` bytes from `offset` on, in one piece: shared if they lie in one
  /// part, copied if they straddle parts. The copies alive at a time are those
  /// of the chunks in flight, which the window bounds.
  ///
  /// @param offset, count offset + count <= size(), count > 0.
  shared_bytes slice(std::uint64_t offset, std::size_t count) const;

private:
  std::vector<shared_bytes> parts_;
  std::vector<std::uint64_t> ends_; // of each part, in the whole
};

} // namespace posse
