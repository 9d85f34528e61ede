#include "runtime/core/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace posse {

namespace {

struct byte_unit {
  std::string_view name;
  double bytes;
};

constexpr std::array<byte_unit, 10> byte_units{{{"", 1.0},
                                                {"B", 1.0},
                                                {"KiB", 0x1p10},
                                                {"MiB", 0x1p20},
                                                {"GiB", 0x1p30},
                                                {"TiB", 0x1p40},
                                                {"kB", 1e3},
                                                {"MB", 1e6},
                                                {"GB", 1e9},
                                                {"TB", 1e12}}};

constexpr std::array<std::string_view, 5> binary_units{"B", "KiB", "MiB", "GiB",
                                                       "TiB"};

} // namespace

expected<std::int64_t> parse_bytes(std::string_view text) {
  auto refuse = [text](std::string_view wanted) {
    return fail(errc::invalid_argument, "expected " + std::string{wanted}
                                            + ", got \"" + std::string{text}
                                            + "\"");
  };
  double number = 0;
  const char* end = text.data() + text.size();
  // from_chars would also take "inf" and "nan", and a sign.
  bool starts_with_digit =
      !text.empty() && text.front() >= '0' && text.front() <= '9';
  auto [rest, error] =
      std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string_view name{rest, static_cast<std::size_t>(end - rest)};
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  auto unit = std::find_if(byte_units.begin(), byte_units.end(),
                           [name](const auto& u) { return u.name == name; });
  if (!starts_with_digit || error == std::errc::invalid_argument
      || unit == byte_units.end())
    return refuse("a size such as \"4GiB\"");
  double bytes = std::floor(number * unit->bytes);
  if (error != std::errc{} || bytes > static_cast<double>(max_bytes))
    return refuse("a size of at most 8192TiB");
  return static_cast<std::int64_t>(bytes);
}

std::string format_bytes(std::int64_t bytes) {
  std::size_t power = 0;
  while (bytes != 0 && bytes % 1024 == 0 && power + 1 < binary_units.size()) {
    bytes /= 1024;
    ++power;
  }
  return std::to_string(bytes) + std::string{binary_units[power]};
}

std::string readable_bytes(std::int64_t bytes) {
  auto size = static_cast<double>(bytes);
  std::size_t power = 0;
  // What would be rounded to 1024.0 is 1.0 of the next.
  while (size >= 1023.95 && power + 1 < binary_units.size()) {
    size /= 1024;
    ++power;
  }
  std::array<char, 32> digits{};
  auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), size,
                    std::chars_format::fixed, power == 0 ? 0 : 1);
  return std::string{digits.data(), end} + ' '
         + std::string{binary_units.at(power)};
}

} // namespace posse
