// LibTorch first: Catch2's macros have names that it uses.
// clang-format off
#include <ATen/core/Tensor.h>
#include <caf/all.hpp>
#include "test/support/catch.hpp"
// clang-format on
