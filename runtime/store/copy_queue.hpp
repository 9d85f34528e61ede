#pragma once

#include "runtime/store/particle_store.hpp"

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
  explicit copy_queue(c10::Device device);

  /// Queues what has to move before `held` can be settled, after what the
  /// device has been given to compute by now, and returns at once. settle()
  /// waits for it, and does by itself what could not be queued: for want of
  /// memory, or since the slot was never opened.
  void start(lease& held) const;

private:
  std::optional<c10::Stream> stream_;
};

} // namespace posse
