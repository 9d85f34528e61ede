#pragma once

#include "messages/particle_id.hpp"
#include "messages/tensor_blob.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace posse {

/// All there is of one particle, as it goes to the disk and comes back: its
/// tensors in the order given, and text (encode doubles that must survive bit
/// for bit, non-finite ones included, yourself).
struct particle_record {
  particle_id pid;
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, tensor_blob>> tensors;

  friend bool operator==(const particle_record&,
                         const particle_record&) = default;
};

} // namespace posse
