#include <ATen/core/Tensor.h>
#include <caf/all.hpp>
#include "test/support/catch.hpp"
