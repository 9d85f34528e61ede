#include "runtime/compute/step_room.hpp"

#include "runtime/compute/evaluate.hpp"
#include "runtime/compute/particle_work.hpp"
#include "runtime/compute/trial_particle.hpp"
#include "runtime/compute/undo_record.hpp"
#include "runtime/core/guarded.hpp"
#include "runtime/data/batch.hpp"
#include "runtime/data/batch_source.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace posse {

namespace {

constexpr std::int64_t parts = std::int64_t{1} << 20; // how exact it is
constexpr std::int64_t most_bytes = std::int64_t{1} << 44;

at::Tensor taken(std::int64_t bytes, c10::Device device) {
  return at::empty({bytes}, at::device(device).dtype(at::kByte));
}

/// The most bytes for which `fits(bytes)`, to `exact` bytes; -1: none.
template <class Fits>
expected<std::int64_t> most_that_fit(std::int64_t most, std::int64_t exact,
                                     Fits fits) {
  std::int64_t fit = -1;
  auto too_many = most + 1;
  for (std::int64_t tried = 0; too_many - fit > exact;
       tried = fit + (too_many - fit) / 2) {
    auto there = fits(tried);
    if (!there)
      return fail(std::move(there));
    (*there ? fit : too_many) = tried;
  }
  return fit;
}

/// false for want of memory; other failures are the run's to find.
template <class T>
bool has_room(const expected<T>& done) {
  return done || done.error().code != errc::out_of_memory;
}

class trial {
public:
  trial(c10::Device device, std::shared_ptr<const compiled_recipe> recipe,
        std::shared_ptr<const data_set> data, std::int64_t batch)
      : device_{device}, recipe_{std::move(recipe)}, data_{std::move(data)},
        batches_{data_, batch, 0} {}

  /// Whether a particle's operations fit beside `bytes`.
  expected<bool> fits_beside(std::int64_t bytes) {
    auto tried = guarded("a step on trial", [&]() -> expected<void> {
      const auto beside = taken(bytes, device_);
      return run();
    });
    if (!tried && has_room(tried))
      return fail(std::move(tried));
    return tried.has_value();
  }

private:
  expected<void> run() {
    particle_store store{{.device = device_, .capacity = 1, .prefetch = false}};
    auto made = trial_particle(store, recipe_, 0);
    if (!made)
      return fail(std::move(made));
    const auto& p = *made;
    const undo_record before{p}; // as lanes keep one
    if (recipe_->posterior
        && recipe_->posterior->origin() == posterior_origin::fit)
      p.entry.collected = 1; // of zeros: what it predicts does not matter
    auto rows = batches_.at({});
    if (!rows)
      return fail(std::move(rows));
    if (auto done = train_step(p, rows->inputs, rows->targets); !has_room(done))
      return fail(std::move(done));
    if (auto done = score(p, rows->inputs, rows->targets); !has_room(done))
      return fail(std::move(done));
    if (recipe_->posterior)
      (void)collect(p); // or there is nothing to draw from
    // All parts are asked for in such chunks.
    for (const auto part : {data_part::validation, data_part::test}) {
      const chunks all{*data_, part, evaluation_rows};
      if (all.size() == 0)
        continue;
      auto some = all.at(0);
      if (!some)
        return fail(std::move(some));
      if (auto done = predict_posterior(p, some->inputs); !has_room(done))
        return fail(std::move(done));
    }
    return {};
  }

  c10::Device device_;
  std::shared_ptr<const compiled_recipe> recipe_;
  std::shared_ptr<const data_set> data_;
  batch_source batches_;
};

} // namespace

std::size_t step_room::slots(std::int64_t row_bytes, std::size_t lanes) const {
  const auto others =
      free - static_cast<std::int64_t>(lanes) * particle.value_or(0);
  if (!particle || others < 0)
    return 0;
  return lanes + static_cast<std::size_t>(others / row_bytes);
}

expected<step_room>
measure_step_room(c10::Device device,
                  std::shared_ptr<const compiled_recipe> recipe,
                  std::shared_ptr<const data_set> data, std::int64_t batch) {
  auto free = most_that_fit(
      most_bytes, std::int64_t{64}, [&](std::int64_t bytes) -> expected<bool> {
        auto there = guarded("memory", [&] { (void)taken(bytes, device); });
        if (!there && has_room(there))
          return fail(std::move(there));
        return there.has_value();
      });
  if (!free)
    return fail(std::move(free));
  trial one{device, std::move(recipe), std::move(data), batch};
  auto beside =
      most_that_fit(*free, std::max(*free / parts, std::int64_t{64}),
                    [&](std::int64_t bytes) { return one.fits_beside(bytes); });
  if (!beside)
    return fail(std::move(beside));
  if (*beside < 0)
    return step_room{*free, {}};
  return step_room{*free, *free - *beside};
}

} // namespace posse
