#include "test/support/simulated_pinned.hpp"

#include <c10/core/CPUAllocator.h>

#include <cstring>
#include <mutex>
#include <unordered_set>

namespace posse::test {

namespace {

struct pinned_addresses {
  std::mutex mutex;
  std::unordered_set<const void*> all;
};

pinned_addresses& known() {
  static auto& addresses = *new pinned_addresses;
  return addresses;
}

void free_pinned(void* address) {
  if (address == nullptr)
    return;
  {
    const std::lock_guard lock{known().mutex};
    known().all.erase(address);
  }
  c10::GetCPUAllocator()->raw_deallocate(address);
}

class allocator final : public c10::Allocator {
public:
  c10::DataPtr allocate(std::size_t bytes) override {
    auto* address = c10::GetCPUAllocator()->raw_allocate(bytes);
    if (address != nullptr) {
      const std::lock_guard lock{known().mutex};
      known().all.insert(address);
    }
    return {address, address, &free_pinned, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_pinned; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    if (bytes > 0)
      std::memcpy(to, from, bytes);
  }
};

} // namespace

c10::Allocator& pinned_allocator() {
  static auto& instance = *new allocator;
  return instance;
}

bool is_pinned(const void* address) {
  const std::lock_guard lock{known().mutex};
  return known().all.contains(address);
}

} // namespace posse::test
