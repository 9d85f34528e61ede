#pragma once

#include "messages/failure.hpp"

#include <functional>
#include <string_view>
#include <type_traits>

namespace posse {

/// Names the exception being handled (call it in a catch block only).
///
/// @returns errc::out_of_memory for a device or host that is full,
///   errc::backend_error for LibTorch's, CUDA's and the standard library's
///   other exceptions; the message starts with `what` and holds no backtrace.
failure current_failure(std::string_view what) noexcept;

/// Whether `why` is errc::out_of_memory of the host, not of a device.
bool is_full_host(const failure& why);

/// Runs `f` and turns any exception into a `failure`: no exception leaves
/// `runtime/`.
///
/// @param what What was being done, for the message: "lenet: forward".
/// @returns f's result (void becomes `expected<void>`, an `expected<T>` stays
///   one), or what current_failure() says.
template <class F>
auto guarded(std::string_view what, F&& f) noexcept {
  using result = std::invoke_result_t<F>;
  if constexpr (requires { typename result::unexpected_type; }) {
    try {
      return std::forward<F>(f)();
    } catch (...) {
      return result{tl::unexpected<failure>{current_failure(what)}};
    }
  } else {
    try {
      if constexpr (std::is_void_v<result>) {
        std::forward<F>(f)();
        return expected<void>{};
      } else {
        return expected<result>{std::forward<F>(f)()};
      }
    } catch (...) {
      return expected<result>{tl::unexpected<failure>{current_failure(what)}};
    }
  }
}

} // namespace posse
