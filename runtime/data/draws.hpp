#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace posse {

/// What draws are for: the first word of their key, so that no two uses share
/// a sequence. Append only: the numbers decide the draws.
enum class draw_purpose : std::uint64_t {
  test_rows = 1,
  validation_rows,
  shared_order,
  bootstrap_sample,
  bootstrap_order,
};

/// A keyed sequence of 64-bit random numbers that is the same on every machine
/// and standard library (std::shuffle and the distributions of <random> are
/// not), and of which any element can be had without those before it.
///
/// Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014, with Stafford's mix 13: element i is
/// mix(state + (i + 1) * 0x9e3779b97f4a7c15). The state is the key's words,
/// folded with the same mix.
class draws {
public:
  /// The sequence of `purpose` under further key words: a seed, an epoch, ...
  draws(draw_purpose purpose, std::initializer_list<std::uint64_t> key) noexcept
      : state_{mix(static_cast<std::uint64_t>(purpose))} {
    for (auto word : key)
      state_ = mix((state_ + step) ^ mix(word + step));
  }

  /// The sequence of SplitMix64 seeded with `state` itself.
  static draws from_state(std::uint64_t state) noexcept { return draws{state}; }

  /// Element `i` of the sequence, uniform on all 64-bit numbers.
  std::uint64_t at(std::uint64_t i) const noexcept {
    return mix(state_ + (i + 1) * step);
  }

  /// Element `i`, scaled to [0, bound). Each value's probability is off by
  /// less than bound / 2^64 relatively, which no run can notice.
  std::uint64_t below(std::uint64_t bound, std::uint64_t i) const noexcept {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((wide{at(i)} * bound) >> 64);
  }

private:
  explicit draws(std::uint64_t state) noexcept : state_{state} {}

  static constexpr std::uint64_t step = 0x9e3779b97f4a7c15;

  static constexpr std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// A uniform permutation of 0, ..., n - 1 (Fisher-Yates; Durstenfeld, CACM
/// 7(7), 1964, algorithm 235).
///
/// @param n At most 2^32 - 1.
std::vector<std::uint32_t> permutation(std::uint32_t n, const draws& from);

/// The rows that one particle trains on in one epoch when it is bootstrapped.
///
/// Its sample is f(seed, stream): n draws with replacement out of n rows
/// (Efron, Annals of Statistics 7(1), 1979), the same in all epochs, for a
/// sample that is drawn anew every epoch would on average be the whole data.
/// What an epoch changes, f(seed, stream, epoch), is the order: the draws are
/// walked as (first + i * stride) mod n with a stride coprime to n, which
/// meets each once. As the draws are independent, so are neighbours.
///
/// Any place costs a few nanoseconds and nothing is stored, so that ten
/// thousand particles need no ten thousand permutations.
class bootstrap_order {
public:
  /// @param n Number of rows, > 0.
  bootstrap_order(std::uint32_t n, std::uint64_t seed, std::uint32_t stream,
                  std::uint32_t epoch) noexcept;

  /// Writes the rows at the places first, first + 1, ... of the order, each a
  /// number in [0, n).
  ///
  /// @param first First place, and first + rows.size() at most n.
  void read(std::uint32_t first, std::span<std::uint32_t> rows) const noexcept;

private:
  std::uint64_t n_;
  draws sample_;
  std::uint64_t first_;
  std::uint64_t stride_;
};

} // namespace posse
