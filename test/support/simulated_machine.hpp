#pragma once

#include "test/support/simulated_device.hpp"
#include "test/support/simulated_memory.hpp"
#include "test/support/simulated_stream.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>
#include <c10/core/Stream.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace torch {
class Library;
} // namespace torch

/// What the simulated devices share among their parts; tests need
/// simulated_device.hpp only.
namespace posse::test {

/// One way of a link: copies follow one another at its rate.
class simulated_link {
public:
  /// @param bytes_per_second 0: the link takes no time.
  /// @returns when a copy of `bytes` that starts now arrives.
  std::chrono::steady_clock::time_point reserve(std::size_t bytes,
                                                double bytes_per_second);

private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point free_from_;
};

/// How LibTorch asks for one device's memory.
class simulated_allocator final : public c10::Allocator {
public:
  simulated_allocator(simulated_memory& memory, c10::Device device)
      : memory_{memory}, device_{device} {}

  c10::DataPtr allocate(std::size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override;
  void copy_data(void* to, const void* from, std::size_t bytes) const override;

private:
  simulated_memory& memory_;
  c10::Device device_;
};

/// All of one device.
class simulated_unit {
public:
  explicit simulated_unit(int index);

  /// @param id 0: the default stream; else as from new_stream().
  simulated_stream& stream(c10::StreamId id);
  c10::StreamId new_stream();
  /// One of a few that are shared.
  c10::StreamId pooled_stream();
  std::deque<simulated_stream>& streams() { return streams_; }
  /// Waits for what was given to any of the streams.
  void synchronize();

  simulated_options options() const;
  void set_options(const simulated_options& options);

  const c10::Device device;
  simulated_memory memory;
  simulated_allocator allocator;
  simulated_link to_device;
  simulated_link to_host;

  std::atomic<std::uint64_t> copies_to_device{0};
  std::atomic<std::uint64_t> copies_to_host{0};
  std::atomic<std::uint64_t> bytes_to_device{0};
  std::atomic<std::uint64_t> bytes_to_host{0};
  std::atomic<std::uint64_t> async_copies{0};
  std::atomic<std::uint64_t> kernels{0};

private:
  mutable std::mutex mutex_;
  simulated_options options_;
  std::deque<simulated_stream> streams_; // only grows: references stay good
  std::size_t pool_turn_{0};
};

/// How many devices are registered; 0 until register_simulated_devices().
int simulated_device_count() noexcept;

/// Throws c10::Error if there is no such device.
simulated_unit& unit_at(int index);
inline simulated_unit& unit_of(c10::Device device) {
  return unit_at(device.index());
}
/// The device whose memory `address` is in, or nullptr.
simulated_unit* unit_that_owns(const void* address) noexcept;

/// The calling thread's current stream of a device.
simulated_stream& current_stream(simulated_unit& unit);
/// The calling thread's current device.
c10::Device current_device() noexcept;

/// Runs `kernel` on the current stream of `unit` in the calling thread, for as
/// long as its operands take; its exceptions come through.
void run_kernel(simulated_unit& unit, std::size_t operand_bytes,
                const simulated_stream::work& kernel);

/// LibTorch's operators for the device type. Never destroyed: LibTorch's
/// threads may still compute when the process exits.
torch::Library& device_ops();

/// Registers one part with LibTorch; each is called once. register_kernels()
/// comes last: it does for every operator that has nothing better.
void register_guard();
void register_allocator();
void register_tensor_ops();
void register_copies();
void register_kernels();

} // namespace posse::test
