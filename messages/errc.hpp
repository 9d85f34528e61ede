#pragma once

#include <cstdint>
#include <string_view>

namespace posse {

/// What can go wrong. Append only: the numbers travel between processes.
enum class errc : std::uint8_t {
  /// A particle id that no node owns.
  unknown_particle = 1,
  /// A name (module, loss, optimizer, behaviour, ...) that no registry holds.
  unknown_name,
  /// A particle got a message that its behaviour does not handle.
  unknown_message,
  /// An argument of the wrong type, shape or range.
  invalid_argument,
  /// The configuration is wrong; the message starts with `file:line: key:`.
  invalid_config,
  /// A data file is missing, unreadable or holds something unusable.
  invalid_data,
  /// A device, or the host, has no room left.
  out_of_memory,
  /// Every slot of a cache is held by a running operation or a pin.
  all_slots_pinned,
  /// The device named is not on this machine.
  device_unavailable,
  /// A loss, a score or a parameter became NaN or infinite.
  non_finite,
  /// Bytes that do not decode, or decode to more than the limits allow.
  malformed,
  /// A file could not be read, written or made durable.
  io_error,
  /// A checkpoint that is truncated, altered or of another model.
  corrupt_checkpoint,
  /// The run or the operation was asked to stop.
  cancelled,
  /// The actor that should have answered ended before it did.
  actor_down,
  /// No answer came within the deadline.
  timed_out,
  /// LibTorch, CUDA or the standard library reported an error of their own.
  backend_error,
  /// A peer does not accept this one: another version, another cluster, a wrong
  /// secret, or it is busy.
  refused,
  /// A node of the run ended or was cut off.
  node_lost,
  /// More requests than may be unanswered, and their sender did not wait.
  overloaded,
};

/// The one with the largest number.
inline constexpr errc last_errc = errc::overloaded;

/// The name of `code` as written above; "unknown error" for anything else.
std::string_view to_string(errc code) noexcept;

} // namespace posse
