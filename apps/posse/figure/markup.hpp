#pragma once

#include <string>
#include <string_view>

namespace posse::figure {

/// `text` as the text or a quoted attribute of XML and HTML: &, <, >, " and '
/// as entities. What XML cannot hold, bytes that are no UTF-8 and control
/// characters other than tab and line breaks, becomes U+FFFD.
std::string escaped(std::string_view text);

/// A coordinate in pixels, to a tenth, without a trailing zero: "12", "0.5".
std::string pixels(double x);

} // namespace posse::figure
