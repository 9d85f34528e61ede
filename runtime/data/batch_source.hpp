#pragma once

#include "messages/batch_ref.hpp"
#include "messages/failure.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/prepared_cache.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace posse {

/// Turns references into batches. Which rows a batch holds depends on the
/// seed, the batch size and the reference only, never on threads or on what
/// was asked for before:
///   - batch_ref::shared_order: a permutation f(seed, part, epoch), cut into
///   batches;
///   - batch_ref::in_order: the rows as they are kept;
///   - a particle's number: bootstrap_order of (seed, stream, epoch).
/// The last batch of an epoch may be shorter.
///
/// Thread-safe: all lanes of a process share one. Batches of the first two
/// streams are kept and shared: whole epochs of a small part (a hit takes about
/// 60 ns), single batches of a large one, so that N particles pay for one
/// conversion. Bootstrapped batches are used once, so they are made anew each
/// time (about 3 us for 100 rows of 8 features), which costs the same for ten
/// particles and ten thousand.
/// Measured by test_runtime '[benchmark]' on one thread of a shared 2-core
/// machine, best of 20.
class batch_source {
public:
  static constexpr std::size_t default_cache_bytes = std::size_t{64} << 20;

  /// @param data Not null.
  /// @param batch_rows > 0; more than a part has means all of its rows.
  /// @param cache_bytes The most that kept batches may take, in bytes.
  batch_source(std::shared_ptr<const data_set> data, std::int64_t batch_rows,
               std::uint64_t seed,
               std::size_t cache_bytes = default_cache_bytes);

  [[nodiscard]] const data_set& data() const noexcept { return *data_; }

  /// Rows of `part` divided by the batch size, rounded up; 0 for no rows.
  [[nodiscard]] std::int64_t
  batches_per_epoch(data_part part = data_part::train) const noexcept;

  /// The batch that `ref` names; its tensors are shared, so read only.
  /// @returns errc::invalid_argument if `ref.index` is not below
  ///   batches_per_epoch(ref.part); or errc::out_of_memory.
  [[nodiscard]] expected<batch> at(const batch_ref& ref);

private:
  /// A permutation or the identity: what a part's kept batches are cut from.
  struct order_key {
    data_part part;
    std::uint32_t epoch;
    bool shuffled;
    friend bool operator==(const order_key&, const order_key&) = default;
  };

  /// Consecutive batches that are kept as one.
  struct block_key {
    order_key order;
    std::uint32_t number;
    friend bool operator==(const block_key&, const block_key&) = default;
  };

  struct key_hash {
    std::size_t operator()(const order_key& key) const noexcept;
    std::size_t operator()(const block_key& key) const noexcept;
  };

  using order = std::vector<std::uint32_t>;
  using block = std::vector<batch>;

  /// Places of the rows of batch `index`: [first, last).
  struct range {
    std::uint32_t first;
    std::uint32_t last;
  };

  range range_of(data_part part, std::uint32_t index) const noexcept;
  std::size_t bytes_of(data_part part, std::int64_t batches) const noexcept;
  std::int64_t batches_per_block(data_part part) const noexcept;

  order make_order(const order_key& key) const;
  block make_block(const block_key& key);
  /// The block on this thread's desk: the one it used last, under tensor
  /// handles of its own. Lanes that step at once would otherwise count
  /// references to the same tensors, which costs them a quarter of a small
  /// network's step.
  const block& on_desk(const block_key& key);
  batch kept(const batch_ref& ref);
  batch bootstrapped(const batch_ref& ref) const;

  std::shared_ptr<const data_set> data_;
  std::int64_t batch_rows_;
  std::uint64_t seed_;
  std::size_t cache_bytes_;
  pixel_codes codes_;
  prepared_cache<order_key, order, key_hash> orders_;
  prepared_cache<block_key, block, key_hash> blocks_;
  std::uint64_t number_; ///< of this source in the process: no two share one
};

} // namespace posse
