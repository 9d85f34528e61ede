#include "runtime/device/cuda/checked.cuh"
#include "runtime/device/cuda/stream.hpp"

namespace posse::cuda {

namespace {

cudaStream_t native_of(const stream& x) {
  return static_cast<cudaStream_t>(x.native());
}

cudaEvent_t native_of(const event& x) {
  return static_cast<cudaEvent_t>(x.native());
}

/// An answer of a query: "not ready" is no error.
expected<bool> is_done(cudaError_t status, int gpu) {
  if (status == cudaErrorNotReady) {
    (void)cudaGetLastError(); // does not stay behind as an error
    return false;
  }
  if (auto ok = checked(status, "finish queued work", gpu); !ok)
    return fail(std::move(ok));
  return true;
}

} // namespace

expected<stream> stream::create(int gpu) {
  return on_gpu(gpu, [gpu]() -> expected<stream> {
    cudaStream_t raw = nullptr;
    if (auto ok =
            checked(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking),
                    "create a stream", gpu);
        !ok)
      return fail(std::move(ok));
    return stream{gpu, handle{raw, [](void* x) {
                                (void)cudaStreamDestroy(
                                    static_cast<cudaStream_t>(x));
                              }}};
  });
}

expected<void> stream::synchronize() const {
  return checked(cudaStreamSynchronize(native_of(*this)), "finish queued work",
                 gpu_);
}

expected<bool> stream::is_idle() const {
  return is_done(cudaStreamQuery(native_of(*this)), gpu_);
}

expected<void> stream::wait_for(const event& happened) const {
  return checked(cudaStreamWaitEvent(native_of(*this), native_of(happened), 0),
                 "wait for an event", gpu_);
}

expected<event> event::create(int gpu) {
  return on_gpu(gpu, [gpu]() -> expected<event> {
    cudaEvent_t raw = nullptr;
    if (auto ok = checked(cudaEventCreate(&raw), "create an event", gpu); !ok)
      return fail(std::move(ok));
    return event{gpu,
                 handle{raw, [](void* x) {
                          (void)cudaEventDestroy(static_cast<cudaEvent_t>(x));
                        }}};
  });
}

expected<void> event::record(const stream& queue) {
  return checked(cudaEventRecord(native_of(*this), native_of(queue)),
                 "record an event", gpu_);
}

expected<bool> event::has_happened() const {
  return is_done(cudaEventQuery(native_of(*this)), gpu_);
}

expected<void> event::synchronize() const {
  return checked(cudaEventSynchronize(native_of(*this)), "finish queued work",
                 gpu_);
}

expected<double> event::elapsed_seconds(const event& from, const event& to) {
  float milliseconds = 0;
  if (auto ok = checked(
          cudaEventElapsedTime(&milliseconds, native_of(from), native_of(to)),
          "measure the time between two events", to.gpu_);
      !ok)
    return fail(std::move(ok));
  return milliseconds / 1e3;
}

} // namespace posse::cuda
