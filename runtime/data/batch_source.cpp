#include "runtime/data/batch_source.hpp"

#include "runtime/core/guarded.hpp"
#include "runtime/data/draws.hpp"
#include "runtime/data/text.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <numeric>
#include <span>

namespace posse {

namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

} // namespace

batch_source::batch_source(std::shared_ptr<const data_set> data,
                           std::int64_t batch_rows, std::uint64_t seed,
                           std::size_t cache_bytes)
    : data_{std::move(data)}, batch_rows_{batch_rows}, seed_{seed},
      cache_bytes_{cache_bytes}, codes_{encode_pixels(data_->encoding)},
      orders_{cache_bytes / 8}, blocks_{cache_bytes - cache_bytes / 8},
      number_{next_number()} {
  assert(batch_rows > 0);
}

std::int64_t batch_source::batches_per_epoch(data_part part) const noexcept {
  return (data_->part(part).size() + batch_rows_ - 1) / batch_rows_;
}

expected<batch> batch_source::at(const batch_ref& ref) {
  if (ref.index >= batches_per_epoch(ref.part))
    return fail(errc::invalid_argument,
                concat("batch of the ", to_string(ref.part),
                       " rows: expected a number below ",
                       batches_per_epoch(ref.part), ", got ", ref.index));
  return guarded("batch", [&] {
    bool is_kept = ref.stream == batch_ref::shared_order
                   || ref.stream == batch_ref::in_order;
    return is_kept ? kept(ref) : bootstrapped(ref);
  });
}

std::size_t
batch_source::key_hash::operator()(const order_key& key) const noexcept {
  // Epochs follow one another: an odd factor spreads them over all buckets.
  auto tag = static_cast<std::size_t>(key.part) * 2 + (key.shuffled ? 1 : 0);
  return (std::size_t{key.epoch} << 3 | tag) * 0x9e3779b97f4a7c15;
}

std::size_t
batch_source::key_hash::operator()(const block_key& key) const noexcept {
  return ((*this)(key.order) ^ key.number) * 0x9e3779b97f4a7c15;
}

batch_source::range batch_source::range_of(data_part part,
                                           std::uint32_t index) const noexcept {
  auto first = index * batch_rows_;
  auto last = std::min(first + batch_rows_, data_->part(part).size());
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)};
}

std::size_t batch_source::bytes_of(data_part part,
                                   std::int64_t batches) const noexcept {
  const auto& rows = data_->part(part);
  const auto features = data_->encoding.features.size();
  const auto row_bytes = features * sizeof(float) + rows.targets.element_size();
  // What two tensors take besides their elements.
  constexpr std::int64_t batch_bytes = 1024;
  auto count = std::min(batches * batch_rows_, rows.size());
  return static_cast<std::size_t>(count) * row_bytes
         + static_cast<std::size_t>(batches * batch_bytes);
}

std::int64_t batch_source::batches_per_block(data_part part) const noexcept {
  // Room for several epochs, since particles need not be in the same one.
  auto all = batches_per_epoch(part);
  return bytes_of(part, all) <= cache_bytes_ / 8 ? all : 1;
}

batch_source::order batch_source::make_order(const order_key& key) const {
  const auto rows = static_cast<std::uint32_t>(data_->part(key.part).size());
  if (key.shuffled)
    return permutation(
        rows, {draw_purpose::shared_order,
               {seed_, static_cast<std::uint64_t>(key.part), key.epoch}});
  order identity(rows);
  std::iota(identity.begin(), identity.end(), std::uint32_t{0});
  return identity;
}

batch_source::block batch_source::make_block(const block_key& key) {
  const auto part = key.order.part;
  auto rows = orders_.get(key.order,
                          static_cast<std::size_t>(data_->part(part).size())
                              * sizeof(std::uint32_t),
                          [&] { return make_order(key.order); });
  const auto count = batches_per_block(part);
  block batches;
  batches.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    auto index = static_cast<std::uint32_t>(key.number * count + i);
    auto [first, last] = range_of(part, index);
    batches.push_back(gather(data_->part(part), codes_,
                             std::span{*rows}.subspan(first, last - first)));
  }
  return batches;
}

batch batch_source::kept(const batch_ref& ref) {
  const auto count = batches_per_block(ref.part);
  const bool shuffled = ref.stream == batch_ref::shared_order;
  const block_key key{{ref.part, shuffled ? ref.epoch : 0, shuffled},
                      static_cast<std::uint32_t>(ref.index / count)};
  return on_desk(key)[static_cast<std::size_t>(ref.index % count)];
}

const batch_source::block& batch_source::on_desk(const block_key& key) {
  struct desk {
    std::uint64_t source{0};
    block_key key{};
    block batches;
  };
  thread_local desk mine;
  if (mine.source == number_ && mine.key == key)
    return mine.batches;
  mine.source = 0; // until it is whole
  mine.batches.clear();
  const auto found = blocks_.get(
      key, bytes_of(key.order.part, batches_per_block(key.order.part)),
      [&] { return make_block(key); });
  for (const auto& each : *found)
    mine.batches.push_back({each.inputs.detach(), each.targets.detach()});
  mine.key = key;
  mine.source = number_;
  return mine.batches;
}

batch batch_source::bootstrapped(const batch_ref& ref) const {
  const auto& rows = data_->part(ref.part);
  const bootstrap_order drawn{static_cast<std::uint32_t>(rows.size()), seed_,
                              ref.stream, ref.epoch};
  auto [first, last] = range_of(ref.part, ref.index);
  order places(last - first);
  drawn.read(first, places);
  return gather(rows, codes_, places);
}

} // namespace posse
