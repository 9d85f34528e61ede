#pragma once

#include "runtime/device/compute_thread.hpp"
#include "test/support/simulated_device.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace posse::test {

/// Two fresh simulated devices; a program whose tests use it registers them
/// before its first test, with `simulated_devices`.
class simulated_fixture {
public:
  simulated_fixture() {
    for (int i = 0; i < 2; ++i) {
      configure(i, {});
      reset_counters(i);
    }
  }

  const c10::Device sim0 = simulated_device(0);
  const c10::Device sim1 = simulated_device(1);
  /// Makes streams and waits for them.
  const c10::impl::VirtualGuardImpl guard{c10::DeviceType::HPU};
};

/// LibTorch's autograd counts devices at the first backward(), in whichever
/// test that is; and its thread for them computes as this one did then.
inline const bool simulated_devices = [] {
  prepare_compute_thread();
  register_simulated_devices(2);
  return true;
}();

} // namespace posse::test
