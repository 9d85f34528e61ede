#include "messages/transfer/shared_window.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <utility>

namespace posse {

namespace {

constexpr const char* name = "posse-window";
// What the system makes of it, in /proc/PROCESS/fd.
constexpr std::string_view target = "/memfd:posse-window (deleted)";

// The token has a page of its own, so that slots start at pages.
constexpr std::size_t first_slot = 4096;
// Nobody can make the file shorter, after which reading it would be a crash.
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::size_t file_size(const transfer_limits& limits) {
  return first_slot + limits.window * limits.chunk_bytes;
}

tl::unexpected<failure> no_memory(const char* what) {
  return fail(errc::out_of_memory, std::string{"shared memory: "} + what + ": "
                                       + std::strerror(errno));
}

tl::unexpected<failure> not_here(const std::string& why) {
  return fail(errc::refused, "shared memory: " + why);
}

std::string path_of(const std::string& process, std::uint32_t file) {
  return "/proc/" + process + "/fd/" + std::to_string(file);
}

/// Whether an open file can be a window: opening another thing for reading
/// might wait, or do something.
bool may_be_window(int file) {
  std::array<char, 64> found{};
  const auto path = path_of("self", static_cast<std::uint32_t>(file));
  const auto size = ::readlink(path.c_str(), found.data(), found.size());
  struct statfs system {};
  // The name alone is no proof: a file of a container may have it.
  return size > 0
         && std::string_view{found.data(), static_cast<std::size_t>(size)}
                == target
         && ::fstatfs(file, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

bool cannot_shrink(int file) {
  const int found = ::fcntl(file, F_GET_SEALS); // -1: not that kind of file
  return found >= 0 && (found & F_SEAL_SHRINK) != 0;
}

} // namespace

mapped_file::mapped_file(mapped_file&& other) noexcept
    : file_{std::exchange(other.file_, -1)}, data_{std::exchange(other.data_,
                                                                 nullptr)},
      size_{std::exchange(other.size_, 0)} {}

mapped_file& mapped_file::operator=(mapped_file&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

mapped_file::~mapped_file() {
  if (data_ != nullptr)
    ::munmap(data_, size_);
  if (file_ >= 0)
    ::close(file_);
}

bool mapped_file::map(std::size_t size, int rights) noexcept {
  assert(data_ == nullptr);
  auto* data = ::mmap(nullptr, size, rights, MAP_SHARED, file_, 0);
  if (data == MAP_FAILED)
    return false;
  data_ = static_cast<std::byte*>(data);
  size_ = size;
  return true;
}

// -- the sender's end ---------------------------------------------------------
expected<window_writer> window_writer::make(const transfer_limits& limits) {
  const auto size = file_size(limits);
  mapped_file memory{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (memory.file() < 0)
    return no_memory("could not be made");
  if (::ftruncate(memory.file(), static_cast<off_t>(size)) != 0
      || ::fallocate(memory.file(), 0, 0, first_slot) != 0
      || ::fcntl(memory.file(), F_ADD_SEALS, seals) != 0)
    return no_memory("could not be given its size");
  if (!memory.map(size, PROT_READ | PROT_WRITE))
    return no_memory("could not be mapped");
  std::uint64_t token = 0;
  if (::getrandom(&token, sizeof token, 0) != sizeof token)
    return no_memory("no random numbers");
  std::memcpy(memory.data(), &token, sizeof token);
  return window_writer{std::move(memory), token, limits};
}

window_writer::window_writer(mapped_file memory, std::uint64_t token,
                             const transfer_limits& limits)
    : memory_{std::move(memory)}, token_{token},
      slot_bytes_{limits.chunk_bytes}, slots_(limits.window) {}

window_place window_writer::place() const noexcept {
  return {static_cast<std::uint32_t>(::getpid()),
          static_cast<std::uint32_t>(memory_.file()), token_};
}

std::optional<std::uint32_t> window_writer::put(const chunk& x) {
  assert(x.bytes.size <= slot_bytes_);
  // The first free one: its memory is the likeliest to be in a cache.
  const auto free = std::ranges::find_if(
      slots_, [](const slot& each) { return !each.holds; });
  if (free == slots_.end())
    return {};
  const auto index = static_cast<std::size_t>(free - slots_.begin());
  const auto offset = first_slot + index * slot_bytes_;
  // Here it fails where there is no memory; a page that is only touched ends
  // the process then.
  if (!free->backed
      && ::fallocate(memory_.file(), 0, static_cast<off_t>(offset),
                     static_cast<off_t>(slot_bytes_))
             != 0)
    return {};
  free->backed = true;
  free->holds = chunk_credit{x.header.transfer, x.header.index};
  used_ = true;
  std::memcpy(memory_.data() + offset, x.bytes.data.get(), x.bytes.size);
  return static_cast<std::uint32_t>(index);
}

void window_writer::free(const chunk_credit& x) noexcept {
  for (auto& slot : slots_)
    if (slot.holds && *slot.holds == x)
      slot.holds.reset();
}

void window_writer::free_unused() noexcept {
  if (std::exchange(used_, false)
      || std::ranges::any_of(
          slots_, [](const slot& each) { return each.holds.has_value(); }))
    return;
  if (::fallocate(memory_.file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  first_slot, static_cast<off_t>(slots_.size() * slot_bytes_))
      != 0)
    return; // the memory is kept
  for (auto& slot : slots_)
    slot.backed = false;
}

// -- the receiver's end -------------------------------------------------------
expected<window_reader> window_reader::open(const window_place& place,
                                            const transfer_limits& limits) {
  const auto path = path_of(std::to_string(place.process), place.file);
  // To look at it, without opening what it is.
  const mapped_file found{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (found.file() < 0 || !may_be_window(found.file()))
    return not_here("no window at " + path);
  // The same file, whatever the peer does with its descriptor meanwhile.
  const auto here = path_of("self", static_cast<std::uint32_t>(found.file()));
  mapped_file memory{::open(here.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (memory.file() < 0)
    return not_here(path + ": " + std::strerror(errno));
  const auto size = file_size(limits);
  struct stat about {};
  if (!cannot_shrink(memory.file()) || ::fstat(memory.file(), &about) != 0
      || static_cast<std::size_t>(about.st_size) != size)
    return not_here(path + ": expected a sealed file of " + std::to_string(size)
                    + " bytes, got one of " + std::to_string(about.st_size));
  if (!memory.map(size, PROT_READ))
    return not_here(path + ": " + std::strerror(errno));
  if (std::memcmp(memory.data(), &place.token, sizeof place.token) != 0)
    return not_here(path + ": another process's window");
  return window_reader{std::move(memory), limits};
}

window_reader::window_reader(mapped_file memory, const transfer_limits& limits)
    : memory_{std::move(memory)},
      slot_bytes_{limits.chunk_bytes}, slots_{limits.window} {}

expected<std::span<const std::byte>>
window_reader::slot(std::uint32_t index, std::size_t size) const {
  if (index >= slots_ || size > slot_bytes_)
    return fail(errc::malformed, "peer: expected a chunk in a slot below "
                                     + std::to_string(slots_) + ", of at most "
                                     + std::to_string(slot_bytes_)
                                     + " bytes, got slot "
                                     + std::to_string(index) + ", "
                                     + std::to_string(size) + " bytes");
  return std::span<const std::byte>{
      memory_.data() + first_slot + index * slot_bytes_, size};
}

} // namespace posse
