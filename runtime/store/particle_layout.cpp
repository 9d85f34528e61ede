#include "runtime/store/particle_layout.hpp"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <map>

namespace posse {

namespace {

constexpr std::int64_t alignment_bytes = 64;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
}

tensor_place place_of(const named_tensor& x) {
  return {x.name, x.tensor.sizes().vec(), x.tensor.numel(), 0};
}

std::vector<tensor_place> places_of(std::span<const named_tensor> xs) {
  std::vector<tensor_place> out;
  out.reserve(xs.size());
  std::ranges::transform(xs, std::back_inserter(out), place_of);
  return out;
}

} // namespace

particle_layout::particle_layout(std::span<const named_tensor> parameters,
                                 std::span<const named_tensor> buffers,
                                 const row_extras& extras) {
  const auto type =
      parameters.empty() ? at::kFloat : parameters[0].tensor.scalar_type();
  for (const auto& p : parameters) {
    TORCH_CHECK(p.tensor.scalar_type() == type, "parameter ", p.name,
                ": expected dtype ", type, " as all others, got ",
                p.tensor.scalar_type());
    parameter_count_ += p.tensor.numel();
  }
  // A map: the order of the sections must not depend on the order in which a
  // network happens to register buffers of unlike types.
  std::map<at::ScalarType, std::vector<tensor_place>> buffers_by_type;
  for (const auto& b : buffers)
    buffers_by_type[b.tensor.scalar_type()].push_back(place_of(b));

  add_section(section_role::parameters, "", type, places_of(parameters));
  for (const auto& [buffer_type, places] : buffers_by_type)
    add_section(section_role::buffers, "", buffer_type, places);
  for (const auto& moment : extras.moments)
    add_section(section_role::moment, "optimizer." + moment + ".", type,
                places_of(parameters));
  if (extras.gradient)
    add_section(section_role::gradient, "gradient.", type,
                places_of(parameters));
  if (extras.best) {
    add_section(section_role::best, "best.", type, places_of(parameters));
    for (const auto& [buffer_type, places] : buffers_by_type)
      add_section(section_role::best_buffers, "best.", buffer_type, places);
  }
  for (const auto& row : extras.posterior) {
    if (!row.shape) {
      add_section(section_role::posterior, "posterior." + row.name + ".", type,
                  places_of(parameters));
      continue;
    }
    add_section(
        section_role::posterior, "posterior.", type,
        {{row.name, *row.shape, c10::multiply_integers(*row.shape), 0}});
    sections_.back().like_parameters = false;
  }
}

void particle_layout::add_section(section_role role, std::string prefix,
                                  at::ScalarType type,
                                  std::vector<tensor_place> tensors) {
  const auto size = static_cast<std::int64_t>(at::elementSize(type));
  row_section section;
  section.role = role;
  section.prefix = std::move(prefix);
  section.type = type;
  section.tensors = std::move(tensors);
  section.offset_bytes = row_bytes_;
  for (auto& t : section.tensors) {
    t.offset = section.width;
    section.width += aligned(t.numel * size) / size;
  }
  row_bytes_ += section.width * size;
  sections_.push_back(std::move(section));
}

const row_section* particle_layout::find(section_role role) const noexcept {
  auto i = std::ranges::find(sections_, role, &row_section::role);
  return i == sections_.end() ? nullptr : &*i;
}

std::int64_t particle_layout::parameter_width() const noexcept {
  return sections_.front().width;
}

at::Tensor section_view(const at::Tensor& row, const row_section& section) {
  const auto size = static_cast<std::int64_t>(at::elementSize(section.type));
  // Rows have no graph: what autograd notes of a view takes half of its time.
  const at::AutoDispatchBelowADInplaceOrView no_graph;
  return row.narrow(0, section.offset_bytes, section.width * size)
      .view(section.type);
}

at::Tensor tensor_view(const at::Tensor& row, const row_section& section,
                       const tensor_place& place) {
  return section_view(row, section)
      .narrow(0, place.offset, place.numel)
      .view(place.shape);
}

} // namespace posse
