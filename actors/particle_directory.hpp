#pragma once

#include "actors/device_worker_interface.hpp"
#include "actors/particle_interface.hpp"
#include "messages/particle_id.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace posse {

/// Where one particle lives and whom to ask about it.
struct particle_address {
  std::string node;
  std::string device;
  particle_actor particle;
  device_worker_actor worker;
};

/// All particles of the run, by id. One immutable copy a node, shared by its
/// particles.
class particle_directory {
public:
  void add(particle_id pid, particle_address address);

  /// The address of `pid`, or nullptr.
  const particle_address* find(particle_id pid) const;
  /// Ascending.
  const std::vector<particle_id>& particle_ids() const noexcept { return ids_; }

private:
  std::unordered_map<particle_id, particle_address> addresses_;
  std::vector<particle_id> ids_;
};

using directory_ptr = std::shared_ptr<const particle_directory>;

} // namespace posse
