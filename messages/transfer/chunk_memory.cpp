#include "messages/transfer/chunk_memory.hpp"

#include "messages/transfer/transfer_limits.hpp"

#include <cassert>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace posse {

namespace {

constexpr std::size_t large_bytes = std::size_t{64} << 10;
// Two windows: what two busy peers have under way.
constexpr std::size_t most_kept = 2 * transfer_limits{}.window;

using block = std::unique_ptr<std::byte[]>;

/// Blocks of max_chunk_bytes that no chunk uses.
class block_pool {
public:
  block take() {
    {
      const std::lock_guard guard{mutex_};
      if (!kept_.empty()) {
        auto last = std::move(kept_.back());
        kept_.pop_back();
        return last;
      }
    }
    return std::make_unique_for_overwrite<std::byte[]>(max_chunk_bytes);
  }

  void give_back(block x) {
    const std::lock_guard guard{mutex_};
    if (kept_.size() < most_kept)
      kept_.push_back(std::move(x));
  }

private:
  std::mutex mutex_;
  std::vector<block> kept_;
};

block_pool& pool() {
  // Never destroyed: a chunk may outlive what is.
  static auto* const instance = new block_pool;
  return *instance;
}

} // namespace

shared_bytes copy_chunk(std::span<const std::byte> bytes) {
  assert(bytes.size() <= max_chunk_bytes);
  std::shared_ptr<std::byte> copy;
  if (bytes.size() > large_bytes) {
    copy = {pool().take().release(),
            [](std::byte* p) { pool().give_back(block{p}); }};
  } else if (!bytes.empty()) {
    const auto small =
        std::make_shared_for_overwrite<std::byte[]>(bytes.size());
    copy = {small, small.get()};
  }
  if (!bytes.empty())
    std::memcpy(copy.get(), bytes.data(), bytes.size());
  return {std::move(copy), bytes.size()};
}

} // namespace posse
