#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace posse {

/// A result.json as a table for people: what was run, a row for the ensemble
/// and one for each member (of very many, the first ones), how far chains
/// can be relied upon, what calibration on the validation rows gains, the time
/// it took. Columns are the best-known of the metrics there are. Ends with a
/// newline.
std::string result_table(const nlohmann::ordered_json& result);

} // namespace posse
