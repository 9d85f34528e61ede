#pragma once

#include "runtime/device/device_id.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace posse {

/// What a machine has to offer under one device's name.
struct device_info {
  device_id id;
  std::string name; ///< the processor's or GPU's own, for people
  std::int64_t total_bytes{0};
  std::int64_t free_bytes{0}; ///< when it was asked
  int units{0};               ///< cores this process may use; multiprocessors
};

/// The devices of this machine: `cpu:0`, which always exists, then the GPUs
/// that the CUDA driver shows. A GPU listed here may still be out of LibTorch's
/// reach: check_device() tells.
std::vector<device_info> list_devices();

/// The processor's own name.
std::string cpu_name();

/// Whether tensors can be put on `id`. Any `cpu:K` exists; `cuda:K` needs the
/// GPU, its driver and LibTorch's CUDA library, which the first such question
/// loads; `sim:K` needs a test that registered it.
///
/// @returns errc::device_unavailable, one line that starts with the device's
///   name and says what is missing.
expected<void> check_device(device_id id);

} // namespace posse
