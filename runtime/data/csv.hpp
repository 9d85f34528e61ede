#pragma once

#include "messages/failure.hpp"
#include "runtime/data/table.hpp"

#include <filesystem>

namespace posse {

/// Reads comma-separated numbers under one header line (RFC 4180).
///
/// Accepts LF and CRLF, any number of newlines at the end, a UTF-8 byte order
/// mark, quoted names (with commas and doubled quotes in them), and spaces and
/// tabs around names and numbers. A number is what std::from_chars reads, with
/// an optional plus sign. Row r of the table is line r + 2 of the file.
///
/// @returns errc::invalid_data, in one line that begins with `FILE:` or
///   `FILE:LINE:` and names the column, for a file that cannot be read, is
///   empty, binary or not separated by commas; for a name that is missing,
///   used twice or not UTF-8; for a row with too few or too many fields; for a
///   field that is empty, text, NaN, infinite or out of a double's range; and
///   for a header without rows.
[[nodiscard]] expected<table> read_csv(const std::filesystem::path& path);

} // namespace posse
