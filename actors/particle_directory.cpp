#include "actors/particle_directory.hpp"

#include <algorithm>

namespace posse {

void particle_directory::add(particle_id pid, particle_address address) {
  if (addresses_.insert_or_assign(pid, std::move(address)).second)
    ids_.insert(std::ranges::upper_bound(ids_, pid), pid);
}

const particle_address* particle_directory::find(particle_id pid) const {
  auto i = addresses_.find(pid);
  return i == addresses_.end() ? nullptr : &i->second;
}

} // namespace posse
