#pragma once

#include "runtime/checkpoint/prediction_file.hpp"

namespace posse::test {

/// Of two rows and three classes.
inline classification_predictions class_predictions() {
  classification_predictions x;
  x.row = {0, 1};
  x.target = {2, 0};
  x.predicted = {2, 1};
  x.entropy = {0.5, 0.25};
  x.mutual_information = {0.125, 0};
  x.classes = 3;
  x.probabilities = {0.25, 0.25, 0.5, 0, 1, 0};
  return x;
}

} // namespace posse::test
