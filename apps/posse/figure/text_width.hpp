#pragma once

#include <string_view>

namespace posse::figure {

/// About how wide the text is at the figures' size of letters, 13 pixels: a
/// little more than common fonts without serifs take. Code points count as one
/// letter each.
double text_width(std::string_view text);

} // namespace posse::figure
