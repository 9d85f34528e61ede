// What the CUDA unit answers in a program built without nvcc. Streams, events
// and pinned memory cannot be made, so that their other functions are never
// reached.
#include "runtime/device/cuda/gpus.hpp"
#include "runtime/device/cuda/nvtx_range.hpp"
#include "runtime/device/cuda/pinned_memory.hpp"
#include "runtime/device/cuda/stream.hpp"

namespace posse::cuda {

namespace {

tl::unexpected<failure> absent() {
  return fail(errc::device_unavailable, "posse was built without CUDA");
}

} // namespace

bool unit_built() noexcept {
  return false;
}

expected<std::vector<gpu_info>> list_gpus() {
  return absent();
}
expected<memory_info> gpu_memory(int) {
  return absent();
}

expected<stream> stream::create(int) {
  return absent();
}
expected<void> stream::synchronize() const {
  return absent();
}
expected<bool> stream::is_idle() const {
  return absent();
}
expected<void> stream::wait_for(const event&) const {
  return absent();
}

expected<event> event::create(int) {
  return absent();
}
expected<void> event::record(const stream&) {
  return absent();
}
expected<bool> event::has_happened() const {
  return absent();
}
expected<void> event::synchronize() const {
  return absent();
}
expected<double> event::elapsed_seconds(const event&, const event&) {
  return absent();
}

expected<pinned_memory> pinned_memory::pin(std::span<std::byte>) {
  return absent();
}

nvtx_range::nvtx_range(const char*) noexcept {}
nvtx_range::~nvtx_range() {}

} // namespace posse::cuda
