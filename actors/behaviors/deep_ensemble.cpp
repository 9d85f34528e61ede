#include "actors/behaviors/deep_ensemble.hpp"

#include "actors/behaviors/train_alone.hpp"

namespace posse {

behavior deep_ensemble() {
  return {{{"TRAIN", train_alone}}};
}

} // namespace posse
