#pragma once

namespace posse::cuda {

/// Names what the calling thread does while it lives, for a profiler such as
/// Nsight Systems. Costs nothing to speak of without one; does nothing in a
/// program without the CUDA unit. Ranges of a thread nest.
class nvtx_range {
public:
  explicit nvtx_range(const char* name) noexcept;
  ~nvtx_range();
  nvtx_range(const nvtx_range&) = delete;
  nvtx_range& operator=(const nvtx_range&) = delete;
};

} // namespace posse::cuda
