#include "runtime/device/cuda/gpus.hpp"
#include "runtime/device/cuda/nvtx_range.hpp"
#include "runtime/device/cuda/pinned_memory.hpp"
#include "runtime/device/cuda/stream.hpp"
#include "test/support/catch.hpp"

#include <vector>

using namespace posse;
using Catch::Matchers::StartsWith;

namespace {

void require_gpu() {
  if (auto gpus = cuda::list_gpus(); !gpus)
    SKIP("no GPU: " << gpus.error().message);
}

template <class T>
void check_refused(const expected<T>& x) {
  REQUIRE_FALSE(x);
  CHECK(x.error().code == errc::device_unavailable);
  CHECK(x.error().message.find('\n') == std::string::npos);
  if (!cuda::unit_built())
    CHECK(x.error().message == "posse was built without CUDA");
}

} // namespace

TEST_CASE("without a GPU every question to the CUDA unit is refused",
          "[runtime][device][cuda]") {
  if (cuda::list_gpus())
    SKIP("this machine has a GPU");
  check_refused(cuda::list_gpus());
  check_refused(cuda::gpu_memory(0));
  check_refused(cuda::stream::create(0));
  check_refused(cuda::event::create(0));
  std::vector<std::byte> bytes(4096);
  check_refused(cuda::pinned_memory::pin(bytes));
}

TEST_CASE("a refusal by CUDA names the GPU and what was asked",
          "[runtime][device][cuda]") {
  if (!cuda::unit_built())
    SKIP("built without CUDA");
  auto none = cuda::stream::create(100); // no machine has as many
  check_refused(none);
  CHECK_THAT(none.error().message, StartsWith("cuda:100: could not "));
}

TEST_CASE("a profiler's range needs neither GPU nor profiler",
          "[runtime][device][cuda]") {
  cuda::nvtx_range outer{"outer"};
  cuda::nvtx_range inner{"inner"};
  SUCCEED("both were opened");
}

TEST_CASE("the GPUs listed have memory and a capability",
          "[runtime][device][cuda]") {
  require_gpu();
  auto gpus = *cuda::list_gpus();
  for (const auto& gpu : gpus) {
    CHECK_FALSE(gpu.name.empty());
    CHECK(gpu.multiprocessors > 0);
    CHECK(gpu.compute_major > 0);
    CHECK(gpu.memory.free_bytes <= gpu.memory.total_bytes);
    CHECK(cuda::gpu_memory(gpu.index)->total_bytes == gpu.memory.total_bytes);
  }
}

TEST_CASE("an event happens once its stream has reached it",
          "[runtime][device][cuda]") {
  require_gpu();
  auto queue = cuda::stream::create(0);
  auto other = cuda::stream::create(0);
  auto from = cuda::event::create(0);
  auto to = cuda::event::create(0);
  REQUIRE((queue && other && from && to));
  CHECK(from->record(*queue));
  CHECK(other->wait_for(*from));
  CHECK(to->record(*other));
  CHECK(to->synchronize());
  CHECK(from->has_happened() == true);
  CHECK(to->has_happened() == true);
  auto seconds = cuda::event::elapsed_seconds(*from, *to);
  REQUIRE(seconds);
  CHECK(*seconds >= 0);
  CHECK(queue->synchronize());
  CHECK(queue->is_idle() == true);
}

TEST_CASE("memory can be pinned again once it was let go",
          "[runtime][device][cuda]") {
  require_gpu();
  std::vector<std::byte> bytes(1 << 20);
  {
    auto pinned = cuda::pinned_memory::pin(bytes);
    REQUIRE(pinned);
    CHECK(pinned->size_bytes() == bytes.size());
    CHECK_FALSE(cuda::pinned_memory::pin(bytes));
  }
  CHECK(cuda::pinned_memory::pin(bytes));
}

TEST_CASE("no bytes cannot be pinned", "[runtime][device][cuda]") {
  CHECK_FALSE(cuda::pinned_memory::pin({}));
}
