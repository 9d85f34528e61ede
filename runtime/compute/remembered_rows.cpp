#include "runtime/compute/remembered_rows.hpp"

namespace posse {

std::vector<at::Tensor> remembered_rows(seated_particle p) {
  const auto& row = p.seat.row();
  std::vector<at::Tensor> out;
  for (const auto& section : p.recipe().layout.sections())
    if (section.role == section_role::posterior)
      out.push_back(section.like_parameters
                        ? section_view(row, section)
                        : tensor_view(row, section, section.tensors.front()));
  return out;
}

} // namespace posse
