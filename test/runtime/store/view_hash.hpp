#pragma once

#include "runtime/core/sha256.hpp"
#include "runtime/store/particle_view.hpp"

#include <string>

namespace posse::test {

/// Of all that a view holds.
inline std::string hash_of(const particle_view& view) {
  sha256 hash;
  for (const auto* list : {&view.parameters(), &view.gradients()})
    for (const auto& tensor : *list)
      hash.update(tensor.bytes());
  for (const auto& [name, tensor] : view.buffers())
    hash.update(tensor.bytes());
  return hash.hex();
}

} // namespace posse::test
