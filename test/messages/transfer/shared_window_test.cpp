#include "messages/transfer/shared_window.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posse;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr transfer_limits limits{.chunk_bytes = 8192, .window = 3};

std::shared_ptr<std::byte> filled(std::size_t size, unsigned seed) {
  std::shared_ptr<std::byte> out{new std::byte[size],
                                 [](std::byte* p) { delete[] p; }};
  for (std::size_t i = 0; i < size; ++i)
    out.get()[i] = static_cast<std::byte>(seed + 7 * i);
  return out;
}

chunk chunk_of(transfer_id transfer, std::uint64_t index, std::size_t size) {
  chunk out;
  out.header = {.transfer = transfer,
                .total = 1 << 20,
                .index = index,
                .size = static_cast<std::uint32_t>(size)};
  out.bytes = {filled(size, static_cast<unsigned>(transfer + index)), size};
  return out;
}

bool is(std::span<const std::byte> found, const chunk& wanted) {
  return std::ranges::equal(found, wanted.bytes.span());
}

window_writer make_writer() {
  auto out = window_writer::make(limits);
  REQUIRE(out);
  return std::move(*out);
}

/// An open file that is closed again.
struct open_file {
  int file;
  explicit open_file(int x) : file{x} { REQUIRE(file >= 0); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() { ::close(file); }
  window_place place(std::uint64_t token = 0) const {
    return {static_cast<std::uint32_t>(::getpid()),
            static_cast<std::uint32_t>(file), token};
  }
};

void check_refused(const window_place& place, const char* why) {
  const auto reader = window_reader::open(place, limits);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == errc::refused);
  CHECK_THAT(reader.error().message, ContainsSubstring(why));
}

} // namespace

TEST_CASE("a chunk is read where its sender has put it", "[shared_window]") {
  auto writer = make_writer();
  const auto reader = window_reader::open(writer.place(), limits);
  REQUIRE(reader);
  const std::array chunks{chunk_of(1, 0, 8192), chunk_of(1, 1, 1),
                          chunk_of(2, 0, 100)};
  std::array<std::uint32_t, 3> slots{};
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto slot = writer.put(chunks.at(i));
    REQUIRE(slot);
    slots.at(i) = *slot;
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto bytes = reader->slot(slots.at(i), chunks.at(i).bytes.size);
    REQUIRE(bytes);
    CHECK(is(*bytes, chunks.at(i)));
  }
}

TEST_CASE("another process of the machine reads a window", "[shared_window]") {
  std::array<int, 2> told{};
  std::array<int, 2> done{};
  REQUIRE(::pipe2(told.data(), O_CLOEXEC) == 0);
  REQUIRE(::pipe2(done.data(), O_CLOEXEC) == 0);
  const auto x = chunk_of(1, 0, 8192);
  const auto child = ::fork();
  if (child == 0) {
    ::close(done[1]);
    auto writer = window_writer::make(limits);
    if (!writer || !writer->put(x))
      ::_exit(1);
    const auto place = writer->place();
    char byte = 0;
    if (::write(told[1], &place, sizeof place) != sizeof place)
      ::_exit(1);
    // Until the parent has read: its end of the pipe is closed then.
    ::_exit(::read(done[0], &byte, 1) == 0 ? 0 : 1);
  }
  const open_file from_child{told[0]};
  ::close(told[1]);
  ::close(done[0]);
  window_place place;
  CHECK(::read(from_child.file, &place, sizeof place) == sizeof place);
  const auto reader = window_reader::open(place, limits);
  CHECK(reader);
  if (reader)
    CHECK(is(*reader->slot(0, 8192), x));
  ::close(done[1]);
  int status = 1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a slot is free when its chunk has credit", "[shared_window]") {
  auto writer = make_writer();
  CHECK(writer.put(chunk_of(1, 0, 8)));
  const auto second = writer.put(chunk_of(1, 1, 8));
  REQUIRE(second);
  CHECK(writer.put(chunk_of(2, 0, 8)));
  CHECK_FALSE(writer.put(chunk_of(2, 1, 8)));
  writer.free({3, 1}); // of a chunk that lies in no slot
  CHECK_FALSE(writer.put(chunk_of(2, 1, 8)));
  writer.free({1, 1});
  CHECK(writer.put(chunk_of(2, 1, 8)) == second);
}

TEST_CASE("unused slots give their memory back", "[shared_window]") {
  auto writer = make_writer();
  const auto reader = window_reader::open(writer.place(), limits);
  REQUIRE(reader);
  const auto x = chunk_of(1, 0, 8192);
  REQUIRE(writer.put(x) == 0U);
  const auto is_there = [&] { return is(*reader->slot(0, 8192), x); };
  writer.free_unused(); // used since the last call
  CHECK(is_there());
  writer.free_unused(); // taken
  CHECK(is_there());
  writer.free({1, 0});
  writer.free_unused();
  CHECK_FALSE(is_there());
  CHECK(reader->slot(0, 8192)->front() == std::byte{0});
  CHECK(
      window_reader::open(writer.place(), limits)); // the token is still there
  REQUIRE(writer.put(x) == 0U);
  CHECK(is_there());
}

TEST_CASE("only a window can be read", "[shared_window]") {
  auto writer = make_writer();
  auto elsewhere = writer.place();
  ++elsewhere.token;
  check_refused(elsewhere, "another process's window");

  // Opening this for reading would wait for ever.
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const open_file in{ends[0]};
  const open_file out{ends[1]};
  check_refused(in.place(), "no window at /proc/");

  check_refused(open_file{::open("/dev/zero", O_RDONLY | O_CLOEXEC)}.place(),
                "no window at /proc/");
  check_refused({0, 0, 0}, "no window at /proc/0/fd/0");
}

TEST_CASE("a window has its size for ever", "[shared_window]") {
  auto writer = make_writer();
  CHECK(::ftruncate(static_cast<int>(writer.place().file), 0) != 0);

  const open_file loose{::memfd_create("posse-window", MFD_CLOEXEC)};
  REQUIRE(::ftruncate(loose.file, 4096 + 3 * 8192) == 0);
  check_refused(loose.place(), "expected a sealed file of 28672 bytes");

  auto other = limits;
  other.window = 4;
  const auto larger = window_writer::make(other);
  REQUIRE(larger);
  check_refused(larger->place(), "expected a sealed file of 28672 bytes, got "
                                 "one of 36864");
}

TEST_CASE("a peer cannot name bytes beyond the window", "[shared_window]") {
  const auto writer = make_writer();
  const auto reader = window_reader::open(writer.place(), limits);
  REQUIRE(reader);
  for (const auto& [slot, size] :
       {std::pair{3U, 1U}, {0U, 8193U}, {0xffffffffU, 8192U}}) {
    const auto bytes = reader->slot(slot, size);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().code == errc::malformed);
  }
  CHECK(reader->slot(2, 8192));
}

TEST_CASE("a window outlives its writer for who reads it", "[shared_window]") {
  const auto x = chunk_of(1, 0, 64);
  const auto reader = [&] {
    auto writer = make_writer();
    auto out = window_reader::open(writer.place(), limits);
    REQUIRE(writer.put(x) == 0U);
    return out;
  }();
  REQUIRE(reader);
  CHECK(is(*reader->slot(0, 64), x));
}
