#pragma once

#include "messages/errc.hpp"
#include "messages/failure.hpp"

#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/result.hpp>

#include <cstdint>
#include <string>
#include <utility>

// Both arguments: the short form would put "::" into the atom.
CAF_ERROR_CODE_ENUM(posse::errc, "posse")

namespace posse {

/// The failure as actors send it: the code in category `posse`, the sentence as
/// the error's context.
caf::error to_error(const failure& x);

/// What to_error() was given, after any number of hops.
///
/// CAF's own errors become errc::timed_out (a request's deadline),
/// errc::actor_down (the receiver is gone or unreachable),
/// errc::unknown_message (it has no handler) or errc::backend_error, with CAF's
/// words as the message. So does a code of a newer peer that has no name here.
failure from_error(const caf::error& x);

/// Whether an errc has this number; one of a newer peer may not.
constexpr bool is_errc(std::uint8_t code) noexcept {
  return code >= 1 && code <= static_cast<std::uint8_t>(last_errc);
}

/// The errc with the number `code`, or backend_error.
constexpr errc errc_of(std::uint8_t code) noexcept {
  return is_errc(code) ? static_cast<errc>(code) : errc::backend_error;
}

/// What a handler answers: the value, or the failure as an error. The one place
/// where results of `runtime/` become answers of actors.
template <class T>
caf::result<T> to_result(expected<T> x) {
  if (!x)
    return to_error(x.error());
  return std::move(*x);
}

/// "unknown particle: 9", for CAF's logs (an error renderer of CAF 0.17).
std::string render_error(std::uint8_t code, caf::atom_value category,
                         const caf::message& context);

} // namespace posse
