#include "messages/caf_errors.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace posse {

namespace {

/// The text that to_error() put into an error; empty if there is none.
std::string text_of(const caf::message& context) {
  return context.match_elements<std::string>() ? context.get_as<std::string>(0)
                                               : std::string{};
}

errc code_of(caf::sec code) noexcept {
  switch (code) {
  case caf::sec::request_timeout:
  case caf::sec::connection_timeout:
    return errc::timed_out;
  case caf::sec::request_receiver_down:
  case caf::sec::cannot_forward_to_invalid_actor:
  case caf::sec::no_route_to_receiving_node:
    return errc::actor_down;
  case caf::sec::unexpected_message:
    return errc::unknown_message;
  default:
    return errc::backend_error;
  }
}

} // namespace

caf::error to_error(const failure& x) {
  return caf::make_error(x.code, x.message);
}

failure from_error(const caf::error& x) {
  if (!x)
    return {errc::backend_error, "an error that says nothing"};
  if (x.category() == caf::detail::error_factory<errc>::category) {
    if (is_errc(x.code()))
      return {errc_of(x.code()), text_of(x.context())};
    return {errc::backend_error,
            render_error(x.code(), x.category(), x.context())};
  }
  auto text = "CAF: " + caf::actor_system_config::render(x);
  if (x.category() == caf::atom("system"))
    return {code_of(static_cast<caf::sec>(x.code())), std::move(text)};
  if (x.category() == caf::atom("exit"))
    return {errc::actor_down, std::move(text)};
  return {errc::backend_error, std::move(text)};
}

std::string render_error(std::uint8_t code, caf::atom_value,
                         const caf::message& context) {
  std::string text{to_string(static_cast<errc>(code))};
  if (!is_errc(code))
    text += ' ' + std::to_string(code);
  if (const auto why = text_of(context); !why.empty())
    text += ": " + why;
  return text;
}

} // namespace posse
