#include "runtime/data/draws.hpp"

#include <numeric>
#include <utility>

namespace posse {

std::vector<std::uint32_t> permutation(std::uint32_t n, const draws& from) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), std::uint32_t{0});
  for (std::uint32_t left = n; left > 1; --left)
    std::swap(order[left - 1], order[from.below(left, n - left)]);
  return order;
}

bootstrap_order::bootstrap_order(std::uint32_t n, std::uint64_t seed,
                                 std::uint32_t stream,
                                 std::uint32_t epoch) noexcept
    : n_{n}, sample_{draw_purpose::bootstrap_sample, {seed, stream}} {
  draws from{draw_purpose::bootstrap_order, {seed, stream, epoch}};
  first_ = from.below(n, 0);
  std::uint64_t i = 1;
  do
    stride_ = 1 + from.below(n, i++); // coprime: 1 number in 7 at worst
  while (std::gcd(stride_, n_) != 1);
}

void bootstrap_order::read(std::uint32_t first,
                           std::span<std::uint32_t> rows) const noexcept {
  auto draw = (first_ + std::uint64_t{first} * stride_) % n_;
  for (auto& row : rows) {
    row = static_cast<std::uint32_t>(sample_.below(n_, draw));
    draw += stride_;
    if (draw >= n_) // stride_ <= n_, so once is enough
      draw -= n_;
  }
}

} // namespace posse
