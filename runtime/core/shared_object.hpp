#pragma once

#include "messages/failure.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace posse {

/// The text that a shared library has under the name of a symbol (`extern "C"
/// const char NAME[]`), read from the file's bytes: loading the library to ask
/// it would run its constructors already.
///
/// @param bytes Of the file: ELF, 64 bits, little-endian. They need not be
///   trusted.
/// @returns none if the library has no such symbol; errc::invalid_data if these
///   are not the bytes of a shared library, or the symbol is no text of at most
///   1000 characters.
expected<std::optional<std::string>>
text_in_shared_object(std::span<const std::byte> bytes,
                      std::string_view symbol);

} // namespace posse
