#include "messages/transfer/payload_mapping.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace posse {

namespace {

// The size of a huge page on the machines that posse knows; elsewhere, the
// alignment is worth nothing and costs addresses only.
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::size_t round_up_to_pages(std::size_t size) noexcept {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

} // namespace

/// The mappings that nobody uses, the oldest first.
class mapping_pool {
public:
  using mapping_ptr = std::unique_ptr<payload_mapping>;

  static mapping_pool& of_process() {
    // Never destroyed: a payload may outlive what is.
    static auto* const instance = new mapping_pool;
    return *instance;
  }

  mapping_ptr take(std::size_t size) {
    {
      const std::lock_guard lock{mutex_};
      // The newest that fits: its pages are the likeliest to be in a cache.
      const auto fits = std::ranges::find_if(
          kept_.rbegin(), kept_.rend(), [size](const kept& x) {
            return x.mapping->capacity() >= size
                   && x.mapping->capacity() / 2 <= size;
          });
      if (fits != kept_.rend()) {
        auto found = std::move(fits->mapping);
        kept_.erase(std::next(fits).base());
        bytes_ -= found->committed_bytes();
        return found;
      }
    }
    mapping_ptr fresh{new payload_mapping{size}};
    return fresh->data() == nullptr ? nullptr : std::move(fresh);
  }

  void give_back(mapping_ptr x) {
    std::vector<kept> dropped; // unmapped after the lock
    const std::lock_guard lock{mutex_};
    if (x->committed_bytes() == 0
        || x->committed_bytes() > payload_mapping::most_kept_bytes)
      return dropped.push_back({std::move(x), false});
    bytes_ += x->committed_bytes();
    kept_.push_back({std::move(x), false});
    while (bytes_ > payload_mapping::most_kept_bytes) {
      bytes_ -= kept_.front().mapping->committed_bytes();
      dropped.push_back(std::move(kept_.front()));
      kept_.erase(kept_.begin());
    }
  }

  void free_unused() {
    std::vector<kept> dropped;
    const std::lock_guard lock{mutex_};
    for (auto& x : kept_)
      if (std::exchange(x.seen, true)) {
        bytes_ -= x.mapping->committed_bytes();
        dropped.push_back(std::move(x));
      }
    std::erase_if(kept_, [](const kept& x) { return !x.mapping; });
  }

  void free_kept() {
    std::vector<kept> dropped;
    const std::lock_guard lock{mutex_};
    dropped.swap(kept_);
    bytes_ = 0;
  }

private:
  struct kept {
    mapping_ptr mapping;
    bool seen; ///< by free_unused()
  };

  std::mutex mutex_;
  std::vector<kept> kept_;
  std::size_t bytes_{0}; // committed ones of those kept
};

payload_mapping::payload_mapping(std::size_t size)
    : reserved_{round_up_to_pages(size)}, capacity_{reserved_} {
  if (size >= huge_page_bytes)
    reserved_ += huge_page_bytes;
  base_ =
      mmap(nullptr, reserved_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base_ == MAP_FAILED)
    return;
  auto* start = base_;
  auto space = reserved_;
  if (size >= huge_page_bytes) {
    // One page fault for 2 MiB and not one for 4 KiB. A wish: it may fail.
    std::align(huge_page_bytes, capacity_, start, space);
    madvise(start, capacity_, MADV_HUGEPAGE);
  }
  start_ = static_cast<std::byte*>(start);
}

payload_mapping::~payload_mapping() {
  if (start_ != nullptr)
    munmap(base_, reserved_);
}

std::shared_ptr<payload_mapping> payload_mapping::take(std::size_t size) {
  assert(size > 0);
  auto& pool = mapping_pool::of_process();
  auto found = pool.take(size);
  if (!found)
    return nullptr;
  return {found.release(), [&pool](payload_mapping* x) {
            pool.give_back(std::unique_ptr<payload_mapping>{x});
          }};
}

void payload_mapping::free_unused() {
  mapping_pool::of_process().free_unused();
}

void payload_mapping::free_kept() {
  mapping_pool::of_process().free_kept();
}

bool payload_mapping::commit(std::size_t bytes) {
  assert(bytes <= capacity_);
  if (bytes <= committed_)
    return true;
  const auto wanted = std::min(capacity_, round_up_to_pages(bytes));
  if (mprotect(start_, wanted, PROT_READ | PROT_WRITE) != 0)
    return false;
  committed_ = wanted;
  return true;
}

} // namespace posse
