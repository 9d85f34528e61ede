#include "test/support/simulated_memory.hpp"

#include "test/support/simulated_device.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace posse::test {

namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

std::byte* map(int file, int protection, const std::string& name) {
  auto* at = ::mmap(nullptr, max_simulated_bytes, protection,
                    MAP_SHARED | MAP_NORESERVE, file, 0);
  if (at == MAP_FAILED)
    throw_errno(name + ": cannot map simulated memory");
  ::madvise(at, max_simulated_bytes, MADV_DONTDUMP);
  return static_cast<std::byte*>(at);
}

constexpr std::size_t round_up(std::size_t bytes) {
  constexpr auto mask = simulated_memory::alignment - 1;
  return (bytes + mask) & ~mask;
}

} // namespace

simulated_memory::simulated_memory(std::string name) : name_{std::move(name)} {
  auto file = ::memfd_create("posse-simulated-memory", MFD_CLOEXEC);
  if (file < 0)
    throw_errno(name_ + ": cannot create simulated memory");
  // Sparse: pages are taken when a kernel or copy first writes them.
  if (::ftruncate(file, static_cast<off_t>(max_simulated_bytes)) != 0)
    throw_errno(name_ + ": cannot size simulated memory");
  device_ = map(file, PROT_NONE, name_);
  shadow_ = map(file, PROT_READ | PROT_WRITE, name_);
  // The mapping is shared: a child that computed would do it in our memory.
  ::madvise(shadow_, max_simulated_bytes, MADV_DONTFORK);
  ::close(file);
  add_free(0, max_simulated_bytes);
}

simulated_memory::~simulated_memory() {
  ::munmap(device_, max_simulated_bytes);
  ::munmap(shadow_, max_simulated_bytes);
}

void* simulated_memory::allocate(std::size_t bytes) {
  if (bytes == 0)
    return nullptr;
  const std::lock_guard lock{mutex_};
  const auto room = limit_ - std::min(limit_, in_use_);
  TORCH_CHECK_WITH(OutOfMemoryError, bytes <= room && round_up(bytes) <= room,
                   name_, ": out of memory: asked for ", bytes, " bytes with ",
                   in_use_, " of ", limit_, " in use");
  const auto size = round_up(bytes);
  const auto offset = take(size);
  used_.emplace(offset, size);
  in_use_ += size;
  peak_ = std::max(peak_, in_use_);
  return device_ + offset;
}

void simulated_memory::free(void* address) {
  if (address == nullptr)
    return;
  const std::lock_guard lock{mutex_};
  const auto block = used_.extract(
      static_cast<std::size_t>(static_cast<std::byte*>(address) - device_));
  TORCH_INTERNAL_ASSERT(!block.empty(), name_, ": freed twice");
  in_use_ -= block.mapped();
  add_free(block.key(), block.mapped());
}

bool simulated_memory::owns(const void* address) const noexcept {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= device_ && at < device_ + max_simulated_bytes;
}

void* simulated_memory::shadow(const void* address) const noexcept {
  if (address == nullptr)
    return nullptr;
  return shadow_ + (static_cast<const std::byte*>(address) - device_);
}

void simulated_memory::set_limit(std::size_t bytes) {
  const std::lock_guard lock{mutex_};
  limit_ = bytes;
}

std::size_t simulated_memory::bytes_in_use() const {
  const std::lock_guard lock{mutex_};
  return in_use_;
}

std::size_t simulated_memory::peak_bytes() const {
  const std::lock_guard lock{mutex_};
  return peak_;
}

void simulated_memory::reset_peak() {
  const std::lock_guard lock{mutex_};
  peak_ = in_use_;
}

std::size_t simulated_memory::take(std::size_t bytes) {
  const auto fit = free_by_size_.lower_bound({bytes, 0});
  TORCH_CHECK_WITH(OutOfMemoryError, fit != free_by_size_.end(), name_,
                   ": out of memory: no ", bytes, " bytes in one piece");
  const auto [size, offset] = *fit;
  remove_free(free_.find(offset));
  if (size > bytes)
    add_free(offset + bytes, size - bytes);
  return offset;
}

void simulated_memory::add_free(std::size_t offset, std::size_t bytes) {
  auto after = free_.lower_bound(offset);
  if (after != free_.end() && after->first == offset + bytes) {
    bytes += after->second;
    remove_free(after++);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      bytes += before->second;
      remove_free(before);
    }
  }
  free_.emplace(offset, bytes);
  free_by_size_.emplace(bytes, offset);
}

void simulated_memory::remove_free(
    std::map<std::size_t, std::size_t>::iterator block) {
  free_by_size_.erase({block->second, block->first});
  free_.erase(block);
}

} // namespace posse::test
