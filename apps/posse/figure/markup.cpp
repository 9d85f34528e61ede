#include "apps/posse/figure/markup.hpp"

#include <fmt/format.h>

#include <cmath>

namespace posse::figure {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// The bytes of the code point that `text` starts with, if XML may hold it,
/// else 0 (RFC 3629; XML 1.0, production 2).
std::size_t code_point_size(std::string_view text) {
  const auto first = byte_at(text, 0);
  if (first < 0x80)
    return first >= 0x20 ? (first == 0x7F ? 0 : 1)
                         : (first == '\t' || first == '\n' || first == '\r');
  const std::size_t size = first >= 0xF0 && first < 0xF5   ? 4
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xC2 && first < 0xE0 ? 2
                                                           : 0;
  if (size == 0 || text.size() < size)
    return 0;
  unsigned point = first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = byte_at(text, i);
    if ((next & 0xC0U) != 0x80)
      return 0;
    point = (point << 6U) | (next & 0x3FU);
  }
  constexpr unsigned least[]{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  if (point < least[size] || point > 0x10FFFF || surrogate || point == 0xFFFE
      || point == 0xFFFF || (point >= 0x80 && point < 0xA0))
    return 0;
  return size;
}

} // namespace

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = code_point_size(text);
    if (size == 0) {
      out += replacement;
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string pixels(double x) {
  const double rounded = std::round(x * 10) / 10;
  return fmt::format("{:g}", rounded + 0.0); // no -0
}

} // namespace posse::figure
