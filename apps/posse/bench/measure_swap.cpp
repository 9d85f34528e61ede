#include "apps/posse/bench/interleave.hpp"
#include "apps/posse/bench/measure.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/store/particle_store.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace posse::bench {

namespace {

constexpr std::int64_t train_rows = 1000;

/// Particles of which one has a slot: each that comes in sends another out.
class one_slot {
public:
  static expected<std::shared_ptr<one_slot>> make(const std::string& model,
                                                  std::int64_t particles) {
    auto spec = benchmark_model(model);
    if (!spec)
      return fail(std::move(spec));
    particle_recipe source;
    source.model = std::move(*spec);
    source.loss = source.model.head == "categorical" ? "cross_entropy" : "mse";
    source.optimizer.kind = "adam";
    auto recipe = compile(source, train_rows);
    if (!recipe)
      return fail(std::move(recipe));
    auto out = std::shared_ptr<one_slot>{new one_slot{particles}};
    for (std::int64_t i = 0; i < particles; ++i) {
      const particle_id pid{static_cast<std::uint32_t>(i)};
      auto got = out->store_.create(pid, *recipe);
      if (!got)
        return fail(std::move(got));
      auto& held = got->leases.front();
      auto seat = settle(held, out->store_.swaps());
      if (!seat)
        return fail(std::move(seat));
      if (auto done = initialize({*held.entry, **seat}, pid.number); !done)
        return fail(std::move(done));
      out->store_.release(held);
    }
    out->row_bytes_ = (*recipe)->layout.row_bytes();
    return out;
  }

  std::int64_t row_bytes() const noexcept { return row_bytes_; }

  /// Microseconds a swap, of `swaps` of them.
  expected<double> time(std::int64_t swaps) {
    const auto start = clock::now();
    for (std::int64_t i = 0; i < swaps; ++i) {
      const auto pid = static_cast<std::uint32_t>(next_++ % particles_);
      auto got = store_.acquire({pid});
      if (!got)
        return fail(std::move(got));
      auto seat = settle(got->leases.front(), store_.swaps());
      if (!seat)
        return fail(std::move(seat));
      store_.release(got->leases.front());
    }
    return us_since(start) / static_cast<double>(swaps);
  }

private:
  explicit one_slot(std::int64_t particles)
      : particles_{particles}, store_{{.capacity = 1,
                                       .policy = cache_policy::lru}} {}

  std::int64_t particles_;
  std::int64_t next_{0};
  particle_store store_;
  std::int64_t row_bytes_{0};
};

/// The same copies with nothing around them: one row out, another one in.
class bare_rows {
public:
  bare_rows(std::int64_t particles, std::int64_t row_bytes)
      : slot_(static_cast<std::size_t>(row_bytes), std::byte{1}) {
    for (std::int64_t i = 0; i < particles; ++i)
      rows_.emplace_back(static_cast<std::size_t>(row_bytes), std::byte{2});
  }

  double time(std::int64_t swaps) {
    const auto start = clock::now();
    for (std::int64_t i = 0; i < swaps; ++i) {
      auto& out = rows_[in_];
      in_ = (in_ + 1) % rows_.size();
      std::memcpy(out.data(), slot_.data(), slot_.size());
      std::memcpy(slot_.data(), rows_[in_].data(), slot_.size());
    }
    return us_since(start) / static_cast<double>(swaps);
  }

private:
  std::vector<std::byte> slot_;
  std::vector<std::vector<std::byte>> rows_;
  std::size_t in_{0};
};

expected<std::vector<row>>
compare(const std::string& model, std::int64_t particles, const options& opts) {
  auto store = one_slot::make(model, particles);
  if (!store)
    return fail(std::move(store));
  const auto row_bytes = (*store)->row_bytes();
  auto rows = std::make_shared<bare_rows>(particles, row_bytes);
  rows->time(particles);
  const auto swaps =
      std::max(static_cast<std::int64_t>(repetition_us / rows->time(particles)),
               particles);
  auto make = [&](std::string system,
                  std::function<expected<double>()> repeat) {
    row result{"swap", std::move(system), model, particles, 1};
    result.steps = swaps;
    return contender{std::move(result), std::move(repeat)};
  };
  auto measured = interleave(
      {make("memcpy",
            [rows, swaps] { return expected<double>{rows->time(swaps)}; }),
       make("posse", [store = *store, swaps] { return store->time(swaps); })},
      opts.repetitions);
  if (!measured)
    return measured;
  for (auto& each : *measured)
    each.more.emplace_back("bytes_per_second",
                           2e6 * static_cast<double>(row_bytes)
                               / each.us_median);
  return measured;
}

} // namespace

expected<std::vector<row>> measure_swap(const options& opts) {
  std::vector<row> out;
  for (const auto& model : opts.models)
    for (auto particles : opts.particles) {
      auto rows = compare(model, particles, opts);
      if (!rows)
        return rows;
      std::ranges::move(*rows, std::back_inserter(out));
    }
  return out;
}

} // namespace posse::bench
