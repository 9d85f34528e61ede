// Compiled once: CAF's headers and a tensor's.
#include <ATen/core/Tensor.h>
#include <caf/all.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>
