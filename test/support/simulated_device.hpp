#pragma once

#include <c10/core/Device.h>
#include <c10/core/Stream.h>

#include <cstddef>
#include <cstdint>

/// A simulated accelerator: LibTorch runs unmodified modules and optimizers on
/// `sim:K` with the CPU's kernels, bit for bit, while memory, streams and
/// copies behave as on a device of its own:
///
/// - Device memory faults (SIGSEGV) where host code reads or writes it.
/// - Each device has a byte limit; beyond it LibTorch throws OutOfMemoryError.
/// - A copy between host and device takes its time on the current stream; with
///   non_blocking it returns at once, whether or not the host's memory is
///   pinned: neither side may be touched until the stream has come that far.
/// - A kernel (anything else that computes) runs in its stream's order, in the
///   thread that calls it, which waits for its turn.
/// - Random numbers come from the CPU's generators.
namespace posse::test {

struct simulated_options {
  /// What tensors may take, each rounded up to a multiple of 64 bytes; at most
  /// max_simulated_bytes.
  std::size_t limit_bytes{std::size_t{64} << 20};
  /// Of the link between host and device, each way by itself, shared by the
  /// device's streams; 0: as fast as memory.
  double copy_bytes_per_second{0};
  /// A kernel takes at least this long, and as long as its operands' bytes
  /// take at this rate; 0: no longer than the CPU needs.
  double kernel_seconds{0};
  double kernel_bytes_per_second{0};
};

/// Address space is set aside for this much on each device; memory is not.
inline constexpr std::size_t max_simulated_bytes = std::size_t{16} << 30;
/// More than any test needs; LibTorch's autograd starts a thread for each.
inline constexpr int max_simulated_devices = 16;

/// What a device has done. Copies and kernels count when they are issued.
struct simulated_counters {
  std::size_t bytes_in_use{0};
  std::size_t peak_bytes{0};
  std::uint64_t copies_to_device{0};
  std::uint64_t copies_to_host{0}; ///< item() is one
  std::uint64_t bytes_to_device{0};
  std::uint64_t bytes_to_host{0};
  std::uint64_t async_copies{0}; ///< those of both ways that were non_blocking
  std::uint64_t kernels{0};      ///< views and allocations are none
};

/// Gives LibTorch the devices sim:0 ... sim:(count - 1) for the rest of the
/// process. To be called before the process's first backward(), in which
/// LibTorch's autograd counts the devices that it serves.
///
/// A later call configures them anew; it may name fewer devices, not more
/// (std::invalid_argument).
/// @param count In [1, max_simulated_devices].
void register_simulated_devices(int count, const simulated_options& each = {});

/// Changes device `index` from now on; what is allocated stays.
/// @pre the device is registered, as for all functions below.
void configure(int index, const simulated_options& options);

simulated_counters counters_of(int index);

/// Counts from zero, and the peak from what is in use now.
void reset_counters(int index);

/// LibTorch's name for sim:`index`.
c10::Device simulated_device(int index);

/// While it lives, nothing on `stream` starts that has not started yet; a
/// kernel or blocking copy on it waits as well. So a test sees what is not done
/// yet without measuring time.
class held_stream {
public:
  explicit held_stream(const c10::Stream& stream);
  held_stream(const held_stream&) = delete;
  held_stream& operator=(const held_stream&) = delete;
  ~held_stream() { let_go(); }

  void let_go();

private:
  c10::Stream stream_;
  bool holds_{true};
};

} // namespace posse::test
