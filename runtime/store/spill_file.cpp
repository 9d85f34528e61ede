#include "runtime/store/spill_file.hpp"

#include <c10/util/StringUtil.h>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace posse {

namespace {

std::string reason(int number) {
  return std::generic_category().message(number);
}

int nameless_file(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
    return file;
  // A file system that knows no such files.
  auto name = (folder / "posse-spill-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0)
    ::unlink(name.c_str());
  return named;
}

/// Calls `move(done, left)`, a read or write, until all has moved.
template <class Move>
expected<void> move_all(std::size_t bytes, const std::string& what, Move move) {
  for (std::size_t done = 0; done < bytes;) {
    const auto n = move(done, bytes - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    if (n < 0 && errno == EINTR)
      continue;
    return fail(errc::io_error,
                c10::str(what, ": ",
                         n < 0 ? reason(errno) : "the file ended too early"));
  }
  return {};
}

} // namespace

spill_file::spill_file(std::filesystem::path folder, std::int64_t budget_bytes)
    : folder_{std::move(folder)}, budget_{budget_bytes} {}

spill_file::~spill_file() {
  if (file_ >= 0)
    ::close(file_);
}

expected<void> spill_file::open() {
  if (file_ < 0)
    file_ = nameless_file(folder_);
  if (file_ < 0)
    return fail(errc::io_error,
                c10::str("no file for particles in ", folder_.string(), ": ",
                         reason(errno)));
  return {};
}

expected<disk_place> spill_file::take(std::int64_t bytes) {
  const std::lock_guard lock{mutex_};
  if (auto& known = free_[bytes]; !known.empty()) {
    const disk_place place{known.back(), bytes};
    known.pop_back();
    return place;
  }
  if (bytes > budget_ - end_)
    return fail(errc::out_of_memory, c10::str("the room on disk is used up: ",
                                              end_, " of ", budget_, " bytes"));
  if (auto opened = open(); !opened)
    return fail(std::move(opened));
  // A full disk shows here, while the particle is still somewhere else.
  if (const int error = ::posix_fallocate(file_, end_, bytes); error != 0)
    return fail(errc::out_of_memory,
                c10::str("no room on the disk of ", folder_.string(), " after ",
                         end_, " bytes: ", reason(error)));
  const disk_place place{end_, bytes};
  end_ += bytes;
  return place;
}

void spill_file::give_back(disk_place place) {
  const std::lock_guard lock{mutex_};
  free_[place.bytes].push_back(place.offset);
}

expected<void> spill_file::write(disk_place place,
                                 std::span<const std::byte> row) const {
  return move_all(
      row.size(), "writing a particle to disk in " + folder_.string(),
      [&](std::size_t done, std::size_t left) {
        return ::pwrite(file_, row.data() + done, left,
                        place.offset + static_cast<std::int64_t>(done));
      });
}

expected<void> spill_file::read(disk_place place,
                                std::span<std::byte> row) const {
  return move_all(
      row.size(), "reading a particle from disk in " + folder_.string(),
      [&](std::size_t done, std::size_t left) {
        return ::pread(file_, row.data() + done, left,
                       place.offset + static_cast<std::int64_t>(done));
      });
}

} // namespace posse
