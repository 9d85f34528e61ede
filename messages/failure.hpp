#pragma once

#include "messages/errc.hpp"

#include <tl/expected.hpp>

#include <string>

namespace posse {

/// Why something failed: a code for programs, a sentence for people. The
/// sentence names the thing, what was expected and what came.
struct failure {
  errc code{errc::backend_error};
  std::string message;

  friend bool operator==(const failure&, const failure&) = default;
};

/// A value, or why there is none. What `runtime/` returns where it may fail.
template <class T>
using expected = tl::expected<T, failure>;

/// Shorthand for `return fail(errc::invalid_data, "...")`.
inline tl::unexpected<failure> fail(errc code, std::string message) {
  return tl::unexpected<failure>{failure{code, std::move(message)}};
}

/// Passes the failure of `x` on: `if (!x) return fail(std::move(x));`.
template <class T>
tl::unexpected<failure> fail(expected<T>&& x) {
  return tl::unexpected<failure>{std::move(x.error())};
}

} // namespace posse
