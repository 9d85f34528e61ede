#pragma once

#include "messages/transfer/chunk.hpp"
#include "messages/transfer/transfer_limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace posse {

/// Where a process keeps memory that others of its machine may read. A process
/// of another machine, or of another container, finds something else there, or
/// nothing.
struct window_place {
  std::uint32_t process{0}; ///< its id
  std::uint32_t file{0};    ///< a descriptor of that process
  std::uint64_t token{0};   ///< random; also written into the memory
};

/// Owns an open file and the memory that it is mapped to. Movable.
class mapped_file {
public:
  /// @param file A descriptor; negative: none.
  explicit mapped_file(int file) noexcept : file_{file} {}
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&& other) noexcept;
  ~mapped_file();

  /// Maps the first `size` bytes of the file, once.
  /// @param rights PROT_READ, or with PROT_WRITE.
  /// @returns false if the system refuses, for the reason in errno.
  [[nodiscard]] bool map(std::size_t size, int rights) noexcept;

  /// nullptr until it is mapped.
  std::byte* data() const noexcept { return data_; }
  int file() const noexcept { return file_; }

private:
  int file_;
  std::byte* data_{nullptr};
  std::size_t size_{0};
};

/// The sender's end of a window in shared memory: one slot for each chunk that
/// may be under way. A chunk that lies there needs no way through the network
/// of its machine, which would copy it five times.
///
/// Has no name in any file system, and so leaves nothing behind. Not
/// thread-safe.
class window_writer {
public:
  /// @param limits Those of the link: `window` slots of `chunk_bytes` bytes.
  /// @returns errc::out_of_memory if the system gives no such memory.
  static expected<window_writer> make(const transfer_limits& limits);

  /// For window_reader::open() of the peer.
  window_place place() const noexcept;

  /// Copies a chunk's bytes into a slot.
  /// @returns the slot; none if all are taken, or the system has no memory.
  std::optional<std::uint32_t> put(const chunk& x);

  /// The chunk has been consumed; one that lies in no slot is left alone.
  void free(const chunk_credit& x) noexcept;

  /// Gives the system the memory of all slots if none has been used since the
  /// last call.
  void free_unused() noexcept;

private:
  window_writer(mapped_file memory, std::uint64_t token,
                const transfer_limits& limits);

  mapped_file memory_;
  std::uint64_t token_;
  std::size_t slot_bytes_;
  struct slot {
    std::optional<chunk_credit> holds; ///< the chunk that lies there
    bool backed{false};                ///< has memory
  };
  std::vector<slot> slots_;
  bool used_{false}; ///< since the last free_unused()
};

/// The receiver's end.
class window_reader {
public:
  /// @param limits Those of the sender.
  /// @returns errc::refused, saying what is missing, if no window lies there
  ///   that can be read here and that nobody can make shorter.
  static expected<window_reader> open(const window_place& place,
                                      const transfer_limits& limits);

  /// The first `size` bytes of a slot, which the sender leaves alone until it
  /// has credit for them. One that does not can hand over wrong bytes, and do
  /// no other harm.
  /// @returns errc::malformed if there is no such slot or it is smaller.
  expected<std::span<const std::byte>> slot(std::uint32_t index,
                                            std::size_t size) const;

private:
  window_reader(mapped_file memory, const transfer_limits& limits);

  mapped_file memory_;
  std::size_t slot_bytes_;
  std::size_t slots_;
};

} // namespace posse
