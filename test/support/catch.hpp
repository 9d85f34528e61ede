#pragma once

// torch/torch.h defines a macro CHECK of its own: it must come first and give
// the name back to Catch2.
#ifdef POSSE_TEST_WITH_TORCH
#include <torch/torch.h>
#undef CHECK
#endif

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
