#include "actors/behaviors/mc_dropout.hpp"

#include "actors/behaviors/train_alone.hpp"

namespace posse {

behavior mc_dropout() {
  behavior out{{{"TRAIN", train_alone}}};
  out.posterior = "dropout";
  return out;
}

} // namespace posse
