#pragma once

#include "apps/posse/report/run_record.hpp"

#include <string>

namespace posse::report {

/// The report as one HTML page, in UTF-8: it loads nothing, needs no script,
/// and is the same to the byte for the same record. All that came from files
/// is escaped.
std::string to_html(const run_record& run);

} // namespace posse::report
