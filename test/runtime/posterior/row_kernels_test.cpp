#include "runtime/device/compute_thread.hpp"
#include "runtime/posterior/row_kernels.hpp"
#include "test/support/catch.hpp"

#include <ATen/ATen.h>
#include <catch2/catch_template_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace posse;

namespace {

template <class Real>
struct named_kernels {
  const char* name;
  const row_kernels<Real>* kernels;
};

/// Those that this processor can run.
template <class Real>
std::vector<named_kernels<Real>> kernels_of_processor() {
  const auto pick = [](const auto& for_float, const auto& for_double) {
    if constexpr (std::is_same_v<Real, float>)
      return &for_float;
    else
      return &for_double;
  };
  std::vector<named_kernels<Real>> out{
      {"plain", pick(plain_kernels::for_float, plain_kernels::for_double)}};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    out.push_back(
        {"avx2", pick(avx2_kernels::for_float, avx2_kernels::for_double)});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512vl"))
    out.push_back({"avx512", pick(avx512_kernels::for_float,
                                  avx512_kernels::for_double)});
#endif
  return out;
}

/// A block of `count` rows as a kernel wants it, with zeros beyond.
template <class Real>
struct block {
  std::int64_t rows;
  std::int64_t padded;
  std::int64_t stride;
  std::vector<Real> values;

  block(const row_kernels<Real>& kernels, std::int64_t count,
        std::int64_t width, unsigned seed)
      : rows{(count + kernels.rows - 1) / kernels.rows * kernels.rows},
        padded{(width + kernels.columns - 1) / kernels.columns
               * kernels.columns},
        stride{padded + 3}, values(static_cast<std::size_t>(rows * stride)) {
    std::mt19937 numbers{seed};
    std::normal_distribution<double> normal;
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < width; ++c)
        at(i, c) = static_cast<Real>(normal(numbers));
  }
  Real& at(std::int64_t i, std::int64_t c) {
    return values[static_cast<std::size_t>(i * stride + c)];
  }
  Real* row(std::int64_t i) { return &at(i, 0); }
};

// Sums of up to 300 numbers of about 1, in another order.
template <class Real>
constexpr double margin = 1e3 * std::numeric_limits<Real>::epsilon();

} // namespace

TEMPLATE_TEST_CASE("row kernels compute what they say on every processor",
                   "[runtime][svgd][row_kernels]", float, double) {
  using Real = TestType;
  const auto [count, width] = GENERATE(std::pair{1, 1}, std::pair{3, 7},
                                       std::pair{8, 64}, std::pair{13, 300});
  for (const auto& [name, kernels] : kernels_of_processor<Real>()) {
    INFO(name << ": " << count << " rows of " << width);
    block<Real> x{*kernels, count, width, 1};
    const auto near = [](double value) {
      return Catch::Approx(value).margin(margin<Real>);
    };

    auto centred = x;
    std::vector<Real> means(static_cast<std::size_t>(x.padded));
    kernels->centre(centred.row(0), x.stride, count, x.padded, means.data());
    for (std::int64_t c = 0; c < x.padded; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < count; ++i)
        sum += x.at(i, c);
      for (std::int64_t i = 0; i < count; ++i)
        CHECK(centred.at(i, c) == near(x.at(i, c) - sum / count));
    }

    std::vector<double> sums(static_cast<std::size_t>(count * count), 0.5);
    kernels->add_products(x.row(0), x.stride, count, x.padded, sums.data());
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < count; ++j) {
        double sum = 0.5;
        for (std::int64_t c = 0; j >= i && c < width; ++c)
          sum += double{x.at(i, c)} * double{x.at(j, c)};
        CHECK(sums[static_cast<std::size_t>(i * count + j)] == near(sum));
      }

    std::vector<Real> weights(static_cast<std::size_t>(x.rows * count));
    const auto weight = [](std::int64_t i, std::int64_t j) {
      return static_cast<Real>(std::sin(3.0 * i + j));
    };
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < count; ++j)
        weights[static_cast<std::size_t>((i / kernels->rows * count + j)
                                             * kernels->rows
                                         + i % kernels->rows)] = weight(i, j);
    block<Real> mixed{*kernels, count, width, 2};
    kernels->mix(weights.data(), x.row(0), x.stride, count, x.padded,
                 mixed.row(0));
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t c = 0; c < x.padded; ++c) {
        double sum = 0;
        for (std::int64_t j = 0; j < count; ++j)
          sum += double{weight(i, j)} * double{x.at(j, c)};
        CHECK(mixed.at(i, c) == near(sum));
      }

    block<Real> score{*kernels, count, width, 3};
    block<Real> drive{*kernels, count, width, 4};
    for (std::int64_t i = 0; i < count; ++i) {
      kernels->drive(score.row(i), x.row(i), Real{0.25}, x.padded,
                     drive.row(i));
      auto values = mixed;
      const auto largest = kernels->finish(
          values.row(i), score.row(i), x.row(i), x.padded, Real{0.5}, Real{-2});
      Real expected_largest = 0;
      for (std::int64_t c = 0; c < x.padded; ++c) {
        CHECK(drive.at(i, c) == near(score.at(i, c) - 0.25 * x.at(i, c)));
        CHECK(
            values.at(i, c)
            == near(0.5 * (mixed.at(i, c) + score.at(i, c)) - 2 * x.at(i, c)));
        expected_largest =
            std::max(expected_largest, std::abs(values.at(i, c)));
      }
      CHECK(largest == expected_largest);
    }
  }
}

TEMPLATE_TEST_CASE("a value that is not finite shows in the largest magnitude",
                   "[runtime][svgd][row_kernels]", float, double) {
  using Real = TestType;
  const auto bad = GENERATE(std::numeric_limits<Real>::quiet_NaN(),
                            std::numeric_limits<Real>::infinity(),
                            -std::numeric_limits<Real>::infinity());
  for (const auto& [name, kernels] : kernels_of_processor<Real>())
    for (std::int64_t place : {0, 5, 99}) {
      INFO(name << ", column " << place);
      block<Real> x{*kernels, 1, 100, 1};
      block<Real> values{*kernels, 1, 100, 2};
      values.at(0, place) = bad;
      CHECK(std::isnan(kernels->finish(values.row(0), x.row(0), x.row(0),
                                       x.padded, Real{1}, Real{1})));
    }
}

TEST_CASE("what SVGD's loops cost", "[.][benchmark]") {
  prepare_compute_thread();
  constexpr std::int64_t count = 64;
  constexpr std::int64_t width = 512;
  constexpr double products = 2.0 * count * count * width;
  const auto report = [](const char* name, const char* what, double work,
                         const char* unit, const auto& run) {
    double best = 1e9;
    for (int repeat = 0; repeat < 20; ++repeat) {
      constexpr int times = 200;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < times; ++i)
        run();
      const std::chrono::duration<double, std::nano> took =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, took.count() / times);
    }
    WARN(name << ", " << what << ": " << best / 1e3 << " us, " << work / best
              << " " << unit);
  };
  for (const auto& [name, kernels] : kernels_of_processor<float>()) {
    block<float> x{*kernels, count, width, 1};
    block<float> score{*kernels, count, width, 2};
    block<float> out{*kernels, count, width, 3};
    std::vector<float> means(static_cast<std::size_t>(x.padded));
    std::vector<double> sums(count * count);
    std::vector<float> weights(static_cast<std::size_t>(x.rows * count), 0.01F);
    constexpr double bytes = 4.0 * count * width;
    const auto* label = name;
    report(label, "centre", 2 * bytes, "GB/s", [&] {
      kernels->centre(x.row(0), x.stride, count, x.padded, means.data());
    });
    // Half of them: the others follow by symmetry.
    report(label, "products", products, "GFLOP/s of all pairs", [&] {
      kernels->add_products(x.row(0), x.stride, count, x.padded, sums.data());
    });
    report(label, "mixture", products, "GFLOP/s", [&] {
      kernels->mix(weights.data(), x.row(0), x.stride, count, x.padded,
                   out.row(0));
    });
    report(label, "shift", 4 * bytes, "GB/s", [&] {
      for (std::int64_t i = 0; i < count; ++i)
        kernels->finish(out.row(i), score.row(i), x.row(i), x.padded, 0.01F,
                        0.01F);
    });
  }
  const auto rows = at::randn({count, width});
  const auto weights = at::randn({count, count});
  auto gram = at::empty({count, count});
  auto mixed = at::empty({count, width});
  report("MKL", "products", products, "GFLOP/s of all pairs",
         [&] { at::mm_out(gram, rows, rows.t()); });
  report("MKL", "mixture", products, "GFLOP/s",
         [&] { at::mm_out(mixed, weights, rows); });
}
