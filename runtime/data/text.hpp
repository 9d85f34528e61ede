#pragma once

#include "messages/failure.hpp"

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>

namespace posse {

/// The bytes of a data file.
///
/// @returns errc::invalid_data, `FILE: why`, for a file that is missing, is a
///   folder or cannot be read.
[[nodiscard]] expected<std::string>
read_data_file(const std::filesystem::path& path);

/// `text` without the spaces and tabs around it.
std::string_view trimmed(std::string_view text) noexcept;

/// Cuts `text` at the first `separator` and returns what came before it; what
/// is left of `text` begins after it, and is empty if there was none.
std::string_view take_until(std::string_view& text, char separator) noexcept;

/// `text` in double quotes for an error of one line: at most 40 bytes, with
/// `?` for every byte that is not printable ASCII.
std::string excerpt(std::string_view text);

/// The parts as they stream, one after the other: for messages.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// The items as they stream, with `separator` between them: for messages.
template <class Items>
std::string joined(const Items& items, std::string_view separator) {
  std::ostringstream out;
  for (std::size_t i = 0; i < items.size(); ++i)
    out << (i == 0 ? std::string_view{} : separator) << items[i];
  return out.str();
}

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no
/// surrogates) without control characters, fit for a name.
bool is_clean_utf8(std::string_view text) noexcept;

} // namespace posse
