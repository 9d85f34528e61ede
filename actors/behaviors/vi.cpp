#include "actors/behaviors/vi.hpp"

#include "actors/behaviors/train_alone.hpp"

namespace posse {

behavior vi() {
  behavior out{{{"TRAIN", train_alone}}};
  out.posterior = "variational";
  out.keeps_best = false; // that would be means without their deviations
  return out;
}

} // namespace posse
