#include "runtime/config/toml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace posse {

namespace {

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

void append_escaped_control(std::string& out, char c) {
  switch (c) {
  case '\n':
    out += "\\n";
    break;
  case '\t':
    out += "\\t";
    break;
  case '\r':
    out += "\\r";
    break;
  default:
    constexpr std::string_view digits = "0123456789ABCDEF";
    auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += digits[byte / 16];
    out += digits[byte % 16];
  }
}

} // namespace

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (is_control(c))
      append_escaped_control(out, c);
    else
      out += c;
  }
  return out + '"';
}

std::string toml_real(double x) {
  if (std::isnan(x))
    return "nan";
  if (std::isinf(x))
    return x < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer; // the longest shortest double has 24 characters
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x).ptr;
  std::string text{buffer.data(), end};
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string one_line(std::string_view text, std::size_t max_chars) {
  bool cut = text.size() > max_chars;
  if (cut) {
    while (max_chars > 0
           && (static_cast<unsigned char>(text[max_chars]) & 0xC0) == 0x80)
      --max_chars;
    text = text.substr(0, max_chars);
  }
  std::string out;
  for (char c : text) {
    if (is_control(c))
      append_escaped_control(out, c);
    else
      out += c;
  }
  return cut ? out + "..." : out;
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

} // namespace posse
