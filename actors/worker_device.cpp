#include "actors/worker_device.hpp"

namespace posse {

failure in_context(failure why, const worker_device& device, particle_id pid,
                   const char* what) {
  why.message = "particle " + to_string(pid) + " on " + device.options.device
                + " of node " + device.options.node + ": " + what + ": "
                + why.message;
  return why;
}

} // namespace posse
