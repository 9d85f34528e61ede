#include "runtime/compute/batch_parts.hpp"

#include "runtime/model/network.hpp"

namespace posse {

bool can_part(const model_spec& model) {
  const auto net = make_network(model);
  return net && ((*net)->treats_rows_apart() || (*net)->knows_parts());
}

} // namespace posse
