#include "actors/behaviors/langevin.hpp"

#include "actors/behaviors/train_alone.hpp"

namespace posse {

behavior langevin() {
  behavior out{{{"TRAIN", train_alone}}};
  out.posterior = "samples";
  out.keeps_best = false;
  return out;
}

} // namespace posse
