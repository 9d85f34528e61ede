#pragma once

#include "runtime/store/particle_store.hpp"
#include "runtime/trace/copy_trace.hpp"

#include <c10/core/Device.h>
#include <c10/core/Stream.h>

#include <optional>

namespace posse {

/// Moves particles into and out of slots of an accelerator while others
/// compute there: on a stream of its own, which the device's copy engine works
/// off. A CPU's lanes would only lose a core to it, so that it does nothing
/// there.
class copy_queue {
public:
  /// @param device Of the slots.
  /// @param trace Told of every copy; nullptr: nobody is.
  explicit copy_queue(c10::Device device, copy_trace* trace = nullptr);
  copy_queue(const copy_queue&) = delete;
  copy_queue& operator=(const copy_queue&) = delete;
  /// Waits for what is still on its way.
  ~copy_queue();

  /// Whether copies run beside what is computed.
  bool runs() const noexcept { return stream_.has_value(); }

  /// Queues what has to move before `held` can be settled, after what the
  /// device has been given to compute by now, and returns. settle() waits for
  /// it, and does by itself what could not be queued: for want of memory, or
  /// since the slot was never opened. A GPU's driver may hold up the caller:
  /// host memory is not pinned.
  void start(lease& held) const;

private:
  void wait() const;

  std::optional<c10::Stream> stream_;
  copy_trace* trace_;
};

} // namespace posse
