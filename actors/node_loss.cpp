#include "actors/node_loss.hpp"

namespace posse {

failure node_loss(const std::string& node, const std::string& address,
                  const std::vector<particle_id>& particles,
                  const std::string& how) {
  std::string list;
  for (auto pid : particles)
    list += (list.empty() ? "" : ", ") + to_string(pid);
  return {errc::node_lost,
          "node " + node + " at " + address + " was lost: " + how + "; "
              + (list.empty() ? "it had no particles"
                              : "it had the particles " + list)};
}

} // namespace posse
