#pragma once

#include <unistd.h>
#include <utility>

namespace posse {

/// Owns an open file of the operating system and closes it.
class file_descriptor {
public:
  file_descriptor() = default;
  explicit file_descriptor(int fd) noexcept : fd_{fd} {}
  file_descriptor(file_descriptor&& other) noexcept
      : fd_{std::exchange(other.fd_, -1)} {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }

  /// Closes now. @returns whether the system reported no error (network file
  /// systems report a full disk here).
  bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

private:
  int fd_{-1};
};

} // namespace posse
