#include "runtime/data/draws.hpp"
#include "test/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

using namespace posse;

namespace {

draws key(std::uint64_t a, std::uint64_t b = 0) {
  return {draw_purpose::shared_order, {a, b}};
}

std::vector<std::uint32_t> rows_of(std::uint32_t n, std::uint64_t seed,
                                   std::uint32_t stream, std::uint32_t epoch) {
  bootstrap_order order{n, seed, stream, epoch};
  std::vector<std::uint32_t> rows(n);
  order.read(0, rows);
  return rows;
}

} // namespace

TEST_CASE("draws are those of SplitMix64", "[runtime][data]") {
  // The first outputs for seed 1234567 of the authors' reference code.
  auto x = draws::from_state(1234567);
  CHECK(x.at(0) == 6457827717110365317u);
  CHECK(x.at(1) == 3203168211198807973u);
  CHECK(x.at(2) == 9817491932198370423u);
  CHECK(x.at(3) == 4593380528125082431u);
  CHECK(x.at(4) == 16408922859458223821u);
}

TEST_CASE("draws of unlike keys differ", "[runtime][data]") {
  std::set<std::uint64_t> first;
  for (std::uint64_t a = 0; a < 100; ++a)
    for (std::uint64_t b = 0; b < 100; ++b)
      first.insert(key(a, b).at(0));
  CHECK(first.size() == 10000);
  CHECK(draws{draw_purpose::test_rows, {1}}.at(0)
        != draws{draw_purpose::validation_rows, {1}}.at(0));
  CHECK(draws{draw_purpose::test_rows, {1}}.at(0)
        != draws{draw_purpose::test_rows, {1, 0}}.at(0));
}

TEST_CASE("a permutation has each number once and is pinned",
          "[runtime][data]") {
  for (std::uint32_t n : {0u, 1u, 2u, 7u, 1000u}) {
    auto order = permutation(n, key(n));
    std::sort(order.begin(), order.end());
    std::vector<std::uint32_t> all(n);
    std::iota(all.begin(), all.end(), 0u);
    CHECK(order == all);
  }
  CHECK(permutation(100, key(1)) == permutation(100, key(1)));
  CHECK(permutation(100, key(1)) != permutation(100, key(2)));
}

TEST_CASE("all permutations are equally likely", "[runtime][data]") {
  std::map<std::vector<std::uint32_t>, int> counts;
  constexpr int draws_made = 24000;
  for (int i = 0; i < draws_made; ++i)
    ++counts[permutation(4, key(static_cast<std::uint64_t>(i)))];
  REQUIRE(counts.size() == 24);
  double chi_squared = 0;
  for (const auto& [order, count] : counts)
    chi_squared += std::pow(count - draws_made / 24, 2) / (draws_made / 24.0);
  // 23 degrees of freedom: above 49.7 with a probability of 0.001; the draws
  // are fixed, so this holds or not once and for all.
  CHECK(chi_squared < 49.7);
}

TEST_CASE("a bootstrap sample leaves out 1/e of the rows", "[runtime][data]") {
  constexpr std::uint32_t n = 691;
  double distinct = 0;
  std::vector<double> times(n);
  constexpr std::uint32_t samples = 400;
  for (std::uint32_t stream = 0; stream < samples; ++stream) {
    auto rows = rows_of(n, 1, stream, 0);
    for (auto row : rows)
      ++times[row];
    distinct += static_cast<double>(std::set(rows.begin(), rows.end()).size());
  }
  // (1 - 1/n)^n are left out; the deviation of the share of one sample is
  // 0.31 / sqrt(n) (occupancy), so of the mean of 400 it is 6e-4.
  CHECK(std::abs(distinct / samples / n - (1 - std::pow(1 - 1.0 / n, n)))
        < 5 * 6e-4);
  // Each row's count is binomial with mean 400 and deviation 20.
  auto [fewest, most] = std::minmax_element(times.begin(), times.end());
  CHECK(*fewest > 400 - 5 * 20);
  CHECK(*most < 400 + 5 * 20);
}

TEST_CASE("a particle keeps its bootstrap sample and changes its order",
          "[runtime][data]") {
  for (std::uint32_t n : {1u, 2u, 6u, 100u, 691u}) {
    auto first = rows_of(n, 3, 5, 0);
    auto second = rows_of(n, 3, 5, 1);
    if (n >= 100)
      CHECK(first != second);
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    CHECK(first == second);
  }
}

TEST_CASE("a bootstrap order can be read from any place", "[runtime][data]") {
  auto all = rows_of(100, 3, 5, 2);
  bootstrap_order order{100, 3, 5, 2};
  std::vector<std::uint32_t> some(30);
  order.read(61, some);
  CHECK(std::equal(some.begin(), some.end(), all.begin() + 61));
}

TEST_CASE("bootstrap samples differ between particles and seeds",
          "[runtime][data]") {
  CHECK(rows_of(100, 3, 5, 0) == rows_of(100, 3, 5, 0));
  CHECK(rows_of(100, 3, 5, 0) != rows_of(100, 3, 6, 0));
  CHECK(rows_of(100, 3, 5, 0) != rows_of(100, 4, 5, 0));
}

TEST_CASE("a bootstrapped row's neighbours change with the epoch",
          "[runtime][data]") {
  // Two draws of one sample share a batch of 100 of 1000 in about 1 epoch of
  // 10. Over 2000 epochs: mean 198, deviation below 14.
  constexpr std::uint32_t n = 1000;
  const auto first = rows_of(n, 1, 0, 0);
  int together = 0;
  for (std::uint32_t epoch = 0; epoch < 2000; ++epoch) {
    auto rows = rows_of(n, 1, 0, epoch);
    auto place = [&](std::uint32_t row) {
      return std::find(rows.begin(), rows.end(), row) - rows.begin();
    };
    together += place(first[0]) / 100 == place(first[1]) / 100;
  }
  CHECK(together > 198 - 6 * 14);
  CHECK(together < 198 + 6 * 14);
}
