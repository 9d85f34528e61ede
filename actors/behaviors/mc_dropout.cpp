#include "actors/behaviors/mc_dropout.hpp"

#include "actors/behaviors/deep_ensemble.hpp"

namespace posse {

behavior mc_dropout() {
  auto out = deep_ensemble();
  out.posterior = "dropout";
  return out;
}

} // namespace posse
