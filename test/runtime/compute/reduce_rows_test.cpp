#include "runtime/compute/reduce_rows.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>

#include <vector>

using namespace posse;

TEST_CASE("rows are summed in double and rounded once", "[runtime][reduce]") {
  // In float the ones would be lost beside 2^24.
  std::vector<at::Tensor> rows{at::full({3}, 16'777'216.0f)};
  for (int i = 0; i < 8; ++i)
    rows.push_back(at::ones({3}));
  auto sum = reduce_rows(rows, reduction::sum);
  REQUIRE(sum);
  CHECK(sum->scalar_type() == at::kFloat);
  CHECK((*sum)[1].item<float>() == 16'777'224.0f);
}

TEST_CASE("the mean of rows is their sum over their number",
          "[runtime][reduce]") {
  const std::vector<at::Tensor> rows{at::full({2}, 1.0f), at::full({2}, 4.0f)};
  auto mean = reduce_rows(rows, reduction::mean);
  REQUIRE(mean);
  CHECK((*mean)[0].item<float>() == 2.5f);
}

TEST_CASE("rows that do not fit together are an error", "[runtime][reduce]") {
  CHECK(reduce_rows({}, reduction::sum).error().code == errc::invalid_argument);
  CHECK(reduce_rows(std::vector{at::ones({2}), at::ones({3})}, reduction::sum)
            .error()
            .code
        == errc::invalid_argument);
  CHECK(reduce_rows(std::vector{at::ones({2}), at::ones({2}, at::kDouble)},
                    reduction::sum)
            .error()
            .code
        == errc::invalid_argument);
}
