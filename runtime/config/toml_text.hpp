#pragma once

#include <string>
#include <string_view>

/// How values are spelled in TOML, for configs and for messages.
namespace posse {

/// `text` as a basic string: in quotes, with quotes, backslashes and control
/// characters escaped, so that it stays on one line.
std::string toml_string(std::string_view text);

/// The shortest decimal that reads back as the same double, with a point or an
/// exponent so that it stays a float: "0.1", "1.0", "1e-05"; "inf", "-inf",
/// "nan".
std::string toml_real(double x);

/// Control characters escaped and cut after `max_chars` bytes (at the start of
/// a code point, with "..."): what came, for a message of one line.
std::string one_line(std::string_view text, std::size_t max_chars = 60);

/// Whether `text` holds a character below U+0020, or U+007F.
bool has_control_characters(std::string_view text);

} // namespace posse
