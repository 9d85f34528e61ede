#pragma once

#include "runtime/compute/particle_work.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace posse {

/// A new particle in a slot of `store`, ready to compute, for a trial: its
/// lease ends with the store.
/// @returns what making or seating it fails with.
inline expected<seated_particle>
trial_particle(particle_store& store,
               const std::shared_ptr<const compiled_recipe>& recipe,
               std::uint32_t number) {
  auto got = store.create({number}, recipe);
  if (!got)
    return fail(std::move(got));
  const auto& held = got->leases.front();
  auto seat = settle(held, store.swaps());
  if (!seat)
    return fail(std::move(seat));
  const seated_particle out{*held.entry, **seat};
  if (auto made = initialize(out, number); !made)
    return fail(std::move(made));
  return out;
}

} // namespace posse
