#include "messages/transfer/growing_buffer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <string>

namespace posse {

namespace {

constexpr std::size_t heap_bytes = std::size_t{64} << 10;
constexpr std::align_val_t alignment{64};

tl::unexpected<failure> no_room(std::uint64_t total) {
  return fail(errc::out_of_memory, "transfer: no memory for a payload of "
                                       + std::to_string(total) + " bytes");
}

std::shared_ptr<std::byte> allocate(std::size_t size) {
  return {static_cast<std::byte*>(::operator new(size, alignment)),
          [](std::byte* p) { ::operator delete(p, alignment); }};
}

} // namespace

expected<growing_buffer> growing_buffer::make(std::uint64_t total) {
  assert(total > 0);
  if (total > std::numeric_limits<std::size_t>::max() / 4)
    return no_room(total);
  const auto size = static_cast<std::size_t>(total);
  try {
    if (size <= heap_bytes)
      return growing_buffer{allocate(size), nullptr, size};
    if (auto mapping = payload_mapping::take(size)) {
      auto* start = mapping->data();
      return growing_buffer{{mapping, start}, mapping, size};
    }
  } catch (const std::bad_alloc&) {
  }
  return no_room(total);
}

expected<void> growing_buffer::append(std::span<const std::byte> bytes) {
  assert(bytes.size() <= total_ - size_);
  const auto needed = size_ + bytes.size();
  if (mapping_ && needed > mapping_->committed_bytes()
      && !mapping_->commit(std::min(mapping_->capacity(), 2 * needed)))
    return no_room(total_);
  if (!bytes.empty())
    std::memcpy(memory_.get() + size_, bytes.data(), bytes.size());
  size_ = needed;
  return {};
}

} // namespace posse
