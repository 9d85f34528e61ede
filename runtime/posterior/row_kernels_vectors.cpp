// Compiled once for each instruction set, with POSSE_KERNELS as the namespace
// and POSSE_VECTOR_BYTES. Calls no inline function of a header: the linker
// might take that of the widest instruction set for all.

#include "runtime/posterior/row_kernels.hpp"

#include <utility>

namespace posse::POSSE_KERNELS {

namespace {

template <class Real>
struct vector_of {
  typedef Real type __attribute__((vector_size(POSSE_VECTOR_BYTES)));
  static constexpr int lanes = POSSE_VECTOR_BYTES / sizeof(Real);
};
template <class Real>
using vec = typename vector_of<Real>::type;

constexpr bool has_many_registers = POSSE_VECTOR_BYTES == 64;

template <class Real>
vec<Real> load(const Real* from) {
  vec<Real> x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}

template <class Real>
void store(Real* to, vec<Real> x) {
  __builtin_memcpy(to, &x, sizeof x);
}

template <class Real>
vec<Real> all(Real x) {
  return vec<Real>{} + x;
}

// -- element by element ----------------------------------------------------

template <class Real>
void centre(Real* block, std::int64_t stride, std::int64_t count,
            std::int64_t width, Real* __restrict means) {
  for (std::int64_t c = 0; c < width; ++c)
    means[c] = block[c];
  for (std::int64_t i = 1; i < count; ++i) {
    const Real* __restrict row = block + i * stride;
    for (std::int64_t c = 0; c < width; ++c)
      means[c] += row[c];
  }
  const auto share = 1 / static_cast<Real>(count);
  for (std::int64_t c = 0; c < width; ++c)
    means[c] *= share;
  for (std::int64_t i = 0; i < count; ++i) {
    Real* __restrict row = block + i * stride;
    for (std::int64_t c = 0; c < width; ++c)
      row[c] -= means[c];
  }
}

template <class Real>
void drive(const Real* __restrict score, const Real* __restrict theta,
           Real pull, std::int64_t width, Real* __restrict out) {
  for (std::int64_t c = 0; c < width; ++c)
    out[c] = score[c] - pull * theta[c];
}

template <class Real>
Real finish(Real* values, const Real* score, const Real* theta,
            std::int64_t width, Real scale, Real shift) {
  constexpr auto lanes = vector_of<Real>::lanes;
  vec<Real> largest{};
  vec<Real> poison{}; // 0 while all values are finite, then NaN
  for (std::int64_t c = 0; c < width; c += lanes) {
    const auto x = all(scale) * (load(values + c) + load(score + c))
                   + all(shift) * load(theta + c);
    store(values + c, x);
    const auto size = x < 0 ? -x : x;
    largest = size > largest ? size : largest;
    poison += x - x;
  }
  Real peak = 0;
  Real sum = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    peak = largest[lane] > peak ? largest[lane] : peak;
    sum += poison[lane];
  }
  return peak + sum;
}

// -- products of rows: vectors of columns, summed up at the end --------------

template <int... lane>
using lane_list = std::integer_sequence<int, lane...>;

/// x and y consist of runs of `size` lanes each. Adds the second half of every
/// run to the first: those of x, then those of y.
template <class Real, int size, int... lane>
vec<Real> fold(vec<Real> x, vec<Real> y, lane_list<lane...>) {
  constexpr auto lanes = vector_of<Real>::lanes;
  // Of the lane-th sum, the lane of (x, y) where its run's first half has it.
  constexpr auto place = [](int k) {
    const auto in_vector = k % (lanes / 2);
    return k / (lanes / 2) * lanes + in_vector / (size / 2) * size
           + in_vector % (size / 2);
  };
  return __builtin_shufflevector(x, y, place(lane)...)
         + __builtin_shufflevector(x, y, place(lane) + size / 2 ...);
}

/// The sums of the lanes of as many vectors as they have lanes, in their order.
template <class Real, int size = vector_of<Real>::lanes>
vec<Real> sums_of(vec<Real>* x) {
  if constexpr (size == 1) {
    return x[0];
  } else {
    using lanes = std::make_integer_sequence<int, vector_of<Real>::lanes>;
    for (int k = 0; k < size / 2; ++k)
      x[k] = fold<Real, size>(x[2 * k], x[2 * k + 1], lanes{});
    return sums_of<Real, size / 2>(x);
  }
}

constexpr int tile_height = 4;
constexpr int tile_width = has_many_registers ? 4 : 2;

template <class Real>
void add_products(const Real* block, std::int64_t stride, std::int64_t count,
                  std::int64_t width, double* sums) {
  constexpr int lanes = vector_of<Real>::lanes;
  constexpr int tile = tile_height * tile_width;
  static_assert(tile % lanes == 0);
  for (std::int64_t i = 0; i < count; i += tile_height)
    for (std::int64_t j = i; j < count; j += tile_width) {
      vec<Real> products[tile] = {};
      for (std::int64_t c = 0; c < width; c += lanes) {
        vec<Real> left[tile_height];
        for (int r = 0; r < tile_height; ++r)
          left[r] = load(block + (i + r) * stride + c);
        for (int k = 0; k < tile_width; ++k) {
          const auto right = load(block + (j + k) * stride + c);
          for (int r = 0; r < tile_height; ++r)
            products[r * tile_width + k] += left[r] * right;
        }
      }
      Real flat[tile];
      for (int first = 0; first < tile; first += lanes)
        store(flat + first, sums_of<Real>(products + first));
      for (int r = 0; r < tile_height; ++r)
        for (int k = 0; k < tile_width; ++k)
          if (j + k >= i + r && j + k < count)
            sums[(i + r) * count + j + k] +=
                static_cast<double>(flat[r * tile_width + k]);
    }
}

// -- mixtures of rows -------------------------------------------------------

constexpr int mix_height = has_many_registers ? 8 : 4;
constexpr int mix_width = 2;

template <class Real>
void mix(const Real* weights, const Real* block, std::int64_t stride,
         std::int64_t count, std::int64_t width, Real* out) {
  constexpr int lanes = vector_of<Real>::lanes;
  for (std::int64_t c = 0; c < width; c += mix_width * lanes)
    for (std::int64_t i = 0; i < count; i += mix_height) {
      vec<Real> mixed[mix_height][mix_width] = {};
      const auto* weight = weights + i * count;
      for (std::int64_t j = 0; j < count; ++j, weight += mix_height) {
        vec<Real> row[mix_width];
        for (int k = 0; k < mix_width; ++k)
          row[k] = load(block + j * stride + c + k * lanes);
        for (int r = 0; r < mix_height; ++r)
          for (int k = 0; k < mix_width; ++k)
            mixed[r][k] += weight[r] * row[k];
      }
      for (int r = 0; r < mix_height; ++r)
        for (int k = 0; k < mix_width; ++k)
          store(out + (i + r) * stride + c + k * lanes, mixed[r][k]);
    }
}

template <class Real>
constexpr row_kernels<Real> all_of{
    mix_height,   mix_width* vector_of<Real>::lanes,
    centre<Real>, add_products<Real>,
    drive<Real>,  mix<Real>,
    finish<Real>};

} // namespace

constinit const row_kernels<float> for_float = all_of<float>;
constinit const row_kernels<double> for_double = all_of<double>;

} // namespace posse::POSSE_KERNELS
