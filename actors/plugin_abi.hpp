#pragma once

#include "actors/plugin_headers.hpp"

#include <caf/config.hpp>
#include <torch/version.h>

#include <string> // _GLIBCXX_USE_CXX11_ABI

#define POSSE_ABI_TEXT(x) #x
#define POSSE_ABI_VALUE(x) POSSE_ABI_TEXT(x)

#define POSSE_ABI_LIBRARIES                                                    \
  "LibTorch " TORCH_VERSION ", CAF " POSSE_ABI_VALUE(CAF_VERSION)

#define POSSE_ABI_STANDARD "C++ " POSSE_ABI_VALUE(__cplusplus)
#define POSSE_ABI_NAMES "C++ ABI " POSSE_ABI_VALUE(__GXX_ABI_VERSION)
#define POSSE_ABI_STRINGS "strings " POSSE_ABI_VALUE(_GLIBCXX_USE_CXX11_ABI)

/// What a plugin and the program that loads it must have in common, as a
/// literal: the project's headers, the libraries whose types are in them, and
/// how the compiler lays types out and names functions.
#define POSSE_PLUGIN_ABI                                                       \
  "posse " POSSE_HEADERS_VERSION " (headers " POSSE_HEADERS_HASH               \
  "), " POSSE_ABI_LIBRARIES ", " POSSE_ABI_STANDARD ", " POSSE_ABI_NAMES       \
  ", " POSSE_ABI_STRINGS
