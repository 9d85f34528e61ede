#include "messages/transfer/growing_buffer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace posse {

namespace {

constexpr std::size_t heap_bytes = std::size_t{64} << 10;
constexpr std::align_val_t alignment{64};

std::size_t round_up_to_pages(std::size_t size) noexcept {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

tl::unexpected<failure> no_room(std::uint64_t total) {
  return fail(errc::out_of_memory, "transfer: no memory for a payload of "
                                       + std::to_string(total) + " bytes");
}

std::shared_ptr<std::byte> allocate(std::size_t size) {
  return {static_cast<std::byte*>(::operator new(size, alignment)),
          [](std::byte* p) { ::operator delete(p, alignment); }};
}

/// `size` bytes of addresses without access rights; nullptr if there are none.
std::shared_ptr<std::byte> reserve(std::size_t size) {
  auto* p = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return nullptr;
  return {static_cast<std::byte*>(p),
          [size](std::byte* start) { munmap(start, size); }};
}

} // namespace

expected<growing_buffer> growing_buffer::make(std::uint64_t total) {
  assert(total > 0);
  if (total > std::numeric_limits<std::size_t>::max() / 4)
    return no_room(total);
  const auto size = static_cast<std::size_t>(total);
  try {
    if (size <= heap_bytes)
      return growing_buffer{allocate(size), size, size};
    const auto reserved = round_up_to_pages(size);
    if (auto memory = reserve(reserved))
      return growing_buffer{std::move(memory), reserved, 0};
  } catch (const std::bad_alloc&) {
  }
  return no_room(total);
}

expected<void> growing_buffer::append(std::span<const std::byte> bytes) {
  assert(bytes.size() <= capacity_ - size_);
  const auto needed = size_ + bytes.size();
  if (needed > committed_) {
    const auto committed = std::min(capacity_, round_up_to_pages(2 * needed));
    if (mprotect(memory_.get(), committed, PROT_READ | PROT_WRITE) != 0)
      return no_room(capacity_);
    committed_ = committed;
  }
  if (!bytes.empty())
    std::memcpy(memory_.get() + size_, bytes.data(), bytes.size());
  size_ = needed;
  return {};
}

} // namespace posse
