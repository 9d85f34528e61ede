// Feeds bytes to decode_value(). It must neither crash nor allocate much
// more than twice what it reads; whatever it accepts must encode to the same
// bytes and decode to the same value again.

#include "messages/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocated_bytes = 0;

void* counted(std::size_t size, std::size_t alignment) {
  allocated_bytes += size;
  const auto rounded = (size + alignment - 1) / alignment * alignment;
  if (auto* p = std::aligned_alloc(alignment, std::max(rounded, alignment)))
    return p;
  throw std::bad_alloc{};
}

void require(bool holds, const char* what) {
  if (holds)
    return;
  std::fprintf(stderr, "codec_fuzz: not true that %s\n", what);
  std::abort();
}

} // namespace

void* operator new(std::size_t size) {
  return counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
// AddressSanitizer brings a nothrow version that free() would not match.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto input = std::as_bytes(std::span{data, size});
  allocated_bytes = 0;
  const auto x = posse::decode_value(input);
  // Stricter than what is promised, or the 64 KiB would hide the factor: the
  // inputs tried here are small.
  require(allocated_bytes <= 2 * size + 1024,
          "decoding allocates at most twice its input and a little");
  if (!x) {
    require(x.error().code == posse::errc::malformed,
            "a refusal says that the bytes are malformed");
    return 0;
  }
  const auto bytes = posse::encode(*x);
  require(bytes && std::ranges::equal(*bytes, input),
          "an accepted value encodes to the same bytes");
  require(posse::decode_value(*bytes) == *x, "a value decodes to itself");
  return 0;
}
