#pragma once

#include "messages/failure.hpp"
#include "messages/value.hpp"

#include <nlohmann/json.hpp>

namespace posse {

/// A value as JSON, for people and for manifests. None becomes null, a tensor
/// its dtype and shape as text.
nlohmann::ordered_json to_json(const value& x);

/// The inverse for what has no tensors.
/// @returns errc::malformed for an integer that does not fit an int64.
expected<value> value_from_json(const nlohmann::ordered_json& x);

} // namespace posse
