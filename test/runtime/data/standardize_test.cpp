#include "runtime/data/standardize.hpp"
#include "test/support/catch.hpp"

#include <cmath>

using namespace posse;
using Catch::Approx;

namespace {

scaling of(std::vector<double> values, std::vector<std::uint32_t> rows) {
  table data;
  data.columns = {"a"};
  data.rows = values.size();
  data.values = std::move(values);
  return standardizing(data, 0, rows);
}

} // namespace

TEST_CASE("standardizing uses the population form over the given rows",
          "[runtime][data]") {
  // Mean 5 and squares 9 + 1 + 1 + 9 over 4; the row of 1000 is left out.
  auto x = of({2, 4, 1000, 6, 8}, {0, 1, 3, 4});
  CHECK(x.mean == 5);
  CHECK(x.sd == Approx(std::sqrt(5.0)).epsilon(1e-15));
}

TEST_CASE("a constant column has scale 1 in spite of rounding",
          "[runtime][data]") {
  // 0.1 added up and divided is not 0.1: a deviation of about 1e-17 is left.
  std::vector<double> values(10, 0.1);
  auto x = of(values, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(x.mean == Approx(0.1));
  CHECK(x.sd == 1);
  CHECK(of({0, 0, 0}, {0, 1, 2}) == scaling{0, 1});
  CHECK(of({7}, {0}) == scaling{7, 1});
}

TEST_CASE("a column of tiny or shifted numbers is not constant",
          "[runtime][data]") {
  CHECK(of({1e-20, 3e-20}, {0, 1}).sd == Approx(1e-20));
  CHECK(of({1e6, 1e6 + 1e-3}, {0, 1}).sd == Approx(5e-4).epsilon(1e-6));
}

TEST_CASE("a scaling goes back to original units", "[runtime][data]") {
  scaling x{10, 4};
  CHECK(x.encode(18) == 2);
  CHECK(x.decode(2) == 18);
  CHECK(x.decode_variance(0.25) == 4);
}
