#include "runtime/core/file_bytes.hpp"

#include "runtime/core/file_descriptor.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/core/io_failure.hpp"

#include <cerrno>
#include <fcntl.h>
#include <new>
#include <string>
#include <sys/stat.h>

namespace posse {

namespace {

constexpr std::align_val_t alignment{64};

std::shared_ptr<std::byte> allocate(std::size_t size) {
  auto* memory = static_cast<std::byte*>(::operator new(size, alignment));
  return {memory, [](std::byte* p) { ::operator delete(p, alignment); }};
}

} // namespace

expected<file_bytes> read_file(const std::filesystem::path& path,
                               std::uint64_t max_bytes) {
  return guarded(path.string(), [&]() -> expected<file_bytes> {
    // Without O_NONBLOCK opening a named pipe would wait for a writer.
    file_descriptor file{
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file.is_open())
      return io_fail(path, "open", errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
      return io_fail(path, "read", errno);
    if (!S_ISREG(status.st_mode))
      return fail(errc::io_error, path.string() + ": not a regular file");
    auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_bytes)
      return fail(errc::io_error, path.string() + ": expected at most "
                                      + std::to_string(max_bytes)
                                      + " bytes, got " + std::to_string(size));
    auto memory = allocate(size);
    std::size_t have = 0;
    while (have < size) {
      auto got = ::read(file.get(), memory.get() + have, size - have);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return io_fail(path, "read", errno);
      if (got == 0)
        return fail(errc::io_error, path.string()
                                        + ": became shorter while it "
                                          "was read");
      have += static_cast<std::size_t>(got);
    }
    return file_bytes{std::move(memory), have};
  });
}

} // namespace posse
