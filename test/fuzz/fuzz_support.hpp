#pragma once

// What fuzz targets share. It replaces operator new, so that exactly one source
// of a program may include it: the target.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace posse::fuzz {

/// What operator new has handed out in this thread; nothing is subtracted when
/// it is deleted.
inline thread_local std::size_t allocated_bytes = 0;

inline void require(bool holds, const char* what) {
  if (holds)
    return;
  std::fprintf(stderr, "fuzz: not true that %s\n", what);
  std::abort();
}

inline void* counted(std::size_t size, std::size_t alignment) {
  allocated_bytes += size;
  const auto rounded = (size + alignment - 1) / alignment * alignment;
  if (auto* p = std::aligned_alloc(alignment, std::max(rounded, alignment)))
    return p;
  throw std::bad_alloc{};
}

} // namespace posse::fuzz

void* operator new(std::size_t size) {
  return posse::fuzz::counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return posse::fuzz::counted(size, static_cast<std::size_t>(alignment));
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
