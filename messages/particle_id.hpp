#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace posse {

/// Names one particle of a run: 0, 1, 2, ... in the order of their creation,
/// the same on every node.
struct particle_id {
  std::uint32_t number{0};

  friend auto operator<=>(const particle_id&, const particle_id&) = default;
};

inline std::string to_string(particle_id pid) {
  return std::to_string(pid.number);
}

template <class Inspector>
auto inspect(Inspector& f, particle_id& x) {
  return f(x.number);
}

} // namespace posse

template <>
struct std::hash<posse::particle_id> {
  std::size_t operator()(posse::particle_id pid) const noexcept {
    return std::hash<std::uint32_t>{}(pid.number);
  }
};
