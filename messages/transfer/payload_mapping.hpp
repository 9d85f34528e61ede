#pragma once

#include <cstddef>
#include <memory>

namespace posse {

/// Memory for a payload whose size is announced but not believed: addresses for
/// all of it at once, so that nothing moves, and memory when it is asked for.
///
/// Addresses cost nothing: pages without access rights are neither resident nor
/// counted by the kernel as promised. Fresh pages cost more than what is copied
/// into them, so those of a payload that nobody needs any more serve a next one
/// of about its size; most_kept_bytes bounds what is kept for that.
class payload_mapping {
public:
  /// Of all mappings that nobody uses, in this process.
  static constexpr std::size_t most_kept_bytes = std::size_t{48} << 20;

  /// @param size > 0; of the payload.
  /// @returns nullptr if the system gives no addresses. Whoever drops the last
  ///   share gives the mapping back. Thread-safe.
  static std::shared_ptr<payload_mapping> take(std::size_t size);

  /// Gives the system what has been kept, and not taken, since the last call.
  static void free_unused();

  /// Gives the system all that is kept.
  static void free_kept();

  payload_mapping(const payload_mapping&) = delete;
  payload_mapping& operator=(const payload_mapping&) = delete;
  ~payload_mapping();

  /// Its first byte, at a multiple of a page.
  std::byte* data() const noexcept { return start_; }
  /// Bytes that have addresses, at least those of the payload.
  std::size_t capacity() const noexcept { return capacity_; }
  /// Bytes that may be resident: from the start on.
  std::size_t committed_bytes() const noexcept { return committed_; }

  /// Makes the first `bytes` bytes, or somewhat more, usable.
  /// @param bytes <= capacity()
  /// @returns false if the system has no memory for them.
  bool commit(std::size_t bytes);

private:
  explicit payload_mapping(std::size_t size);
  friend class mapping_pool;

  void* base_;
  std::size_t reserved_;
  std::byte* start_{nullptr};
  std::size_t capacity_;
  std::size_t committed_{0};
};

} // namespace posse
