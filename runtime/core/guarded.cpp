#include "runtime/core/guarded.hpp"

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

namespace posse {

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
    // LibTorch's CPU allocator has no exception type of its own.
    const auto text = say(e.what_without_backtrace());
    const bool full = text.find("can't allocate memory") != std::string::npos;
    return {full ? errc::out_of_memory : errc::backend_error, text};
  } catch (const std::bad_alloc&) {
    return {errc::out_of_memory, say("no host memory left")};
  } catch (const std::exception& e) {
    return {errc::backend_error, say(e.what())};
  } catch (...) {
    return {errc::backend_error, say("an unknown exception")};
  }
}

} // namespace posse
