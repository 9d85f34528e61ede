#pragma once

#include "runtime/compute/particle_work.hpp"

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace posse {

/// What an operation on a particle changes while it may still find that there
/// is no memory: its random numbers and its buffers, such as the statistics of
/// BatchNorm. All else is written when nothing more is allocated, or again in
/// whole.
class undo_record {
public:
  /// Copies them, the buffers on their device; nothing if the particle's module
  /// has none.
  /// @throws c10::OutOfMemoryError.
  explicit undo_record(const seated_particle& p);

  /// Makes the particle what it was.
  void put_back(const seated_particle& p) const;

private:
  at::Generator generator_;
  std::vector<std::pair<at::Tensor, at::Tensor>> buffers_; ///< and their copies
};

} // namespace posse
