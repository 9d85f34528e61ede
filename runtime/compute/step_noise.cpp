#include "runtime/compute/step_noise.hpp"

#include "runtime/compute/placed.hpp"
#include "runtime/compute/step_cursor.hpp"

#include <ATen/ATen.h>

namespace posse {

at::Tensor draw_normal_row(seated_particle p) {
  const auto& section = p.recipe().layout.sections().front();
  const auto host = at::zeros({section.width}, at::dtype(section.type));
  for (const auto& place : section.tensors)
    host.narrow(0, place.offset, place.numel).normal_(0, 1, p.entry.generator);
  return placed_on(p.seat.row().device(), host);
}

step_noise draw_noise(seated_particle p) {
  step_noise out;
  if (noise_variance(p.entry) == 0)
    return out;
  out.row = draw_normal_row(p);
  for (const auto& place : p.recipe().layout.sections().front().tensors)
    out.tensors.push_back(
        out.row.narrow(0, place.offset, place.numel).view(place.shape));
  return out;
}

} // namespace posse
