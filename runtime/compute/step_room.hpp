#pragma once

#include "messages/failure.hpp"
#include "runtime/compute/recipe.hpp"
#include "runtime/data/data_set.hpp"
#include "runtime/store/particle_store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace posse {

/// What an accelerator has room for, in bytes, found by trial.
struct step_room {
  std::int64_t free{0}; ///< in one piece
  /// What a particle in its slot and its operations take of it; none if they
  /// do not fit.
  std::optional<std::int64_t> particle;

  /// Slots of `row_bytes` beside what as many particles as there are `lanes`
  /// compute at once.
  std::size_t slots(std::int64_t row_bytes, std::size_t lanes) const;
};

/// Makes a particle on the device, trains it for a step and asks it for the
/// outputs of some rows, beside more and more memory that is taken. Nothing of
/// it stays; what fails for another reason than memory is left for the run to
/// find. Exact to a millionth of what is free, or 64 bytes; but where an
/// allocator takes more for a row than its bytes, slots() are too many.
///
/// @param device An accelerator.
/// @param batch Rows of a step, > 0.
/// @returns errc::backend_error, errc::unknown_name, ...
expected<step_room>
measure_step_room(c10::Device device,
                  std::shared_ptr<const compiled_recipe> recipe,
                  std::shared_ptr<const data_set> data, std::int64_t batch);

} // namespace posse
