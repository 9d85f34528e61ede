#include "actors/behaviors/swag.hpp"

#include "actors/behaviors/train_alone.hpp"

namespace posse {

behavior swag() {
  behavior out{{{"TRAIN", train_alone}}};
  out.posterior = "swag";
  out.keeps_best = false;
  return out;
}

} // namespace posse
