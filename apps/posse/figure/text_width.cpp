#include "apps/posse/figure/text_width.hpp"

namespace posse::figure {

double text_width(std::string_view text) {
  double out = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U)
      continue; // goes on with a code point
    const bool narrow =
        std::string_view{"iljtf.,:;|!' ()[]"}.find(c) != std::string_view::npos;
    const bool wide =
        std::string_view{"mwMW%@"}.find(c) != std::string_view::npos;
    out += narrow ? 4.4 : wide ? 11 : 7.6;
  }
  return out;
}

} // namespace posse::figure
