#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <string>

namespace posse {

/// A double that crosses the wire bit for bit. CAF 0.17 packs a bare double
/// with arithmetic that never ends for infinity and turns NaN into 1, so no
/// message holds one.
class real64 {
public:
  constexpr real64() noexcept = default;
  constexpr real64(double x) noexcept // NOLINT: meant to be implicit
      : bits_{std::bit_cast<std::uint64_t>(x)} {}

  constexpr operator double() const noexcept { // NOLINT: meant to be implicit
    return std::bit_cast<double>(bits_);
  }

  /// The IEEE 754 binary64 pattern.
  constexpr std::uint64_t bits() const noexcept { return bits_; }
  static constexpr real64 from_bits(std::uint64_t bits) noexcept {
    return std::bit_cast<double>(bits);
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, real64& x) {
    return f(x.bits_);
  }

  /// For logs, where its bits would be of no use: the shortest text that reads
  /// back as the same number.
  friend std::string to_string(real64 x) {
    std::array<char, 32> text; // a double needs 24
    const auto end = std::to_chars(text.data(), text.data() + text.size(),
                                   static_cast<double>(x));
    return {text.data(), end.ptr};
  }

private:
  std::uint64_t bits_{0};
};

} // namespace posse
