#include "runtime/core/guarded.hpp"

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace posse {

namespace {

// LibTorch's CPU allocator has no exception type of its own, and CUDA's
// libraries allocate beside its allocator.
constexpr std::string_view host_is_full = "can't allocate memory";
constexpr std::string_view no_host_memory = "no host memory left";
constexpr std::array<std::string_view, 3> full{
    host_is_full, "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED"};

bool says_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view x) {
    return text.find(x) != std::string_view::npos;
  });
}

} // namespace

bool is_full_host(const failure& why) {
  constexpr std::array<std::string_view, 2> texts{host_is_full, no_host_memory};
  return why.code == errc::out_of_memory && says_any(why.message, texts);
}

failure current_failure(std::string_view what) noexcept {
  auto say = [what](const char* why) {
    std::string text{why};
    // LibTorch appends hints and frames in further lines: the first says it.
    if (auto end = text.find('\n'); end != std::string::npos)
      text.resize(end);
    return std::string{what} + ": " + text;
  };
  try {
    throw;
  } catch (const c10::OutOfMemoryError& e) {
    return {errc::out_of_memory, say(e.what_without_backtrace())};
  } catch (const c10::Error& e) {
    auto text = say(e.what_without_backtrace());
    const auto code =
        says_any(text, full) ? errc::out_of_memory : errc::backend_error;
    return {code, std::move(text)};
  } catch (const std::bad_alloc&) {
    return {errc::out_of_memory, say(no_host_memory.data())};
  } catch (const std::exception& e) {
    return {errc::backend_error, say(e.what())};
  } catch (...) {
    return {errc::backend_error, say("an unknown exception")};
  }
}

} // namespace posse
