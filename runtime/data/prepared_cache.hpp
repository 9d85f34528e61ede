#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace posse {

/// Values that are prepared at most once while they are kept, and then shared.
/// Keeps the most recently used ones, bounded by their bytes.
///
/// Thread-safe. Whoever asks first prepares; others who want the same value
/// wait for it, those who want another one do not. A hit takes one short lock.
template <class Key, class Value, class Hash = std::hash<Key>>
class prepared_cache {
public:
  /// @param capacity_bytes The most to keep; the value asked for last is kept
  ///   even if it is larger.
  explicit prepared_cache(std::size_t capacity_bytes)
      : capacity_bytes_{capacity_bytes} {}

  /// The value of `key`, which lives as long as the caller holds it.
  ///
  /// @param bytes What the value counts for; the same for every call.
  /// @param make Returns the value. If it throws, so does get(), and the next
  ///   caller tries again.
  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, std::size_t bytes,
                                   Make&& make) {
    auto found = find_or_add(key, bytes);
    if (!found->ready.load(std::memory_order_acquire)) {
      std::lock_guard preparing{found->mutex};
      if (!found->ready.load(std::memory_order_relaxed)) {
        found->value = std::forward<Make>(make)();
        found->ready.store(true, std::memory_order_release);
      }
    }
    const auto* value = &found->value;
    return {std::move(found), value};
  }

  /// What all kept values count for, in bytes.
  std::size_t used_bytes() const {
    std::lock_guard lock{mutex_};
    return used_bytes_;
  }

private:
  struct slot {
    std::mutex mutex; ///< held while the value is prepared
    std::atomic<bool> ready{false};
    Value value{};
  };

  struct entry {
    Key key;
    std::size_t bytes;
    std::shared_ptr<slot> content;
  };

  using entries = std::list<entry>;

  std::shared_ptr<slot> find_or_add(const Key& key, std::size_t bytes) {
    entries evicted; // destroyed after the lock is gone: freeing takes time
    std::lock_guard lock{mutex_};
    if (auto found = by_key_.find(key); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->content;
    }
    recent_.push_front({key, bytes, std::make_shared<slot>()});
    by_key_.emplace(key, recent_.begin());
    used_bytes_ += bytes;
    while (used_bytes_ > capacity_bytes_ && recent_.size() > 1) {
      auto oldest = std::prev(recent_.end());
      used_bytes_ -= oldest->bytes;
      by_key_.erase(oldest->key);
      evicted.splice(evicted.end(), recent_, oldest);
    }
    return recent_.front().content;
  }

  const std::size_t capacity_bytes_;
  mutable std::mutex mutex_;
  entries recent_; ///< most recently used first
  std::unordered_map<Key, typename entries::iterator, Hash> by_key_;
  std::size_t used_bytes_{0};
};

} // namespace posse
