#include "runtime/compute/undo_record.hpp"

#include <ATen/ATen.h>

namespace posse {

undo_record::undo_record(const seated_particle& p)
    : generator_{p.entry.generator.clone()} {
  const auto& row = p.seat.row();
  for (const auto& section : p.recipe().layout.sections())
    if (section.role == section_role::buffers && section.width > 0) {
      auto now = section_view(row, section);
      auto before = now.clone();
      buffers_.emplace_back(std::move(now), std::move(before));
    }
}

void undo_record::put_back(const seated_particle& p) const {
  p.entry.generator = generator_;
  for (const auto& [now, before] : buffers_)
    now.copy_(before);
}

} // namespace posse
