#include "runtime/device/cuda/nvtx_range.hpp"

#include <nvtx3/nvToolsExt.h>

namespace posse::cuda {

nvtx_range::nvtx_range(const char* name) noexcept {
  nvtxRangePushA(name);
}

nvtx_range::~nvtx_range() {
  nvtxRangePop();
}

} // namespace posse::cuda
