#pragma once

#include "messages/failure.hpp"
#include "runtime/device/cuda/handle.hpp"

namespace posse::cuda {

class event;

/// A queue of work of one GPU, which runs beside other queues: it does not wait
/// for the default stream. Owns it: destroying it lets queued work finish
/// first.
class stream {
public:
  /// @returns errc::device_unavailable without the GPU or the unit.
  static expected<stream> create(int gpu);

  /// Blocks the calling thread until all queued work is done.
  ///
  /// @returns errc::backend_error if some of that work failed.
  expected<void> synchronize() const;

  /// Whether all queued work is done; does not block.
  expected<bool> is_idle() const;

  /// Work queued from now on starts after `happened`; does not block.
  expected<void> wait_for(const event& happened) const;

  int gpu() const noexcept { return gpu_; }
  /// The `cudaStream_t`, for LibTorch and for copies.
  void* native() const noexcept { return handle_.get(); }

private:
  stream(int gpu, handle owned) : gpu_{gpu}, handle_{std::move(owned)} {}

  int gpu_;
  handle handle_;
};

/// A mark in a stream, which tells when the work queued before it is done, and
/// at what time that was.
class event {
public:
  /// @returns errc::device_unavailable without the GPU or the unit.
  static expected<event> create(int gpu);

  /// Moves the mark to the end of what `queue`, of the same GPU, holds now.
  expected<void> record(const stream& queue);

  /// Whether the work before the mark is done; does not block. True if the
  /// event was never recorded.
  expected<bool> has_happened() const;

  /// Blocks the calling thread until the work before the mark is done.
  expected<void> synchronize() const;

  /// Time on the GPU between two marks that have happened, with a resolution of
  /// about half a microsecond.
  ///
  /// @returns errc::backend_error if either was not recorded or is not done.
  static expected<double> elapsed_seconds(const event& from, const event& to);

  void* native() const noexcept { return handle_.get(); } ///< `cudaEvent_t`

private:
  event(int gpu, handle owned) : gpu_{gpu}, handle_{std::move(owned)} {}

  int gpu_;
  handle handle_;
};

} // namespace posse::cuda
