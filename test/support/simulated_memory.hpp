#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace posse::test {

/// One simulated device's memory, mapped twice: the addresses that tensors
/// carry forbid every access, so that host code which follows one faults as it
/// would with a device of its own; the shadow of an address is the same byte
/// for the device's kernels and copies. Thread-safe.
class simulated_memory {
public:
  static constexpr std::size_t alignment = 64; ///< as LibTorch's CPU tensors

  /// @param name Of the device, for messages.
  /// Throws std::system_error if the system has no such address space.
  explicit simulated_memory(std::string name);
  simulated_memory(const simulated_memory&) = delete;
  simulated_memory& operator=(const simulated_memory&) = delete;
  ~simulated_memory();

  /// @returns a device address, aligned; nullptr for 0 bytes.
  /// Throws c10::OutOfMemoryError beyond the limit.
  void* allocate(std::size_t bytes);
  /// @param address From allocate(), or nullptr.
  void free(void* address);

  bool owns(const void* address) const noexcept;
  /// @pre owns(address), or nullptr, which is its own shadow.
  void* shadow(const void* address) const noexcept;

  void set_limit(std::size_t bytes);
  std::size_t bytes_in_use() const;
  std::size_t peak_bytes() const;
  void reset_peak();

private:
  /// Takes `bytes` from the smallest free block that has them.
  std::size_t take(std::size_t bytes);
  void add_free(std::size_t offset, std::size_t bytes);
  void remove_free(std::map<std::size_t, std::size_t>::iterator block);

  std::string name_;
  std::byte* device_{nullptr};
  std::byte* shadow_{nullptr};

  mutable std::mutex mutex_;
  std::size_t limit_{0};
  std::size_t in_use_{0};
  std::size_t peak_{0};
  std::unordered_map<std::size_t, std::size_t> used_; // bytes by offset
  std::map<std::size_t, std::size_t> free_;           // bytes by offset
  std::set<std::pair<std::size_t, std::size_t>> free_by_size_;
};

} // namespace posse::test
