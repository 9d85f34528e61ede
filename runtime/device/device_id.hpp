#pragma once

#include "messages/failure.hpp"

#include <c10/core/Device.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace posse {

enum class device_kind : std::uint8_t {
  cpu,  ///< host memory and a share of the cores; several may be named
  cuda, ///< an NVIDIA GPU
  sim,  ///< a simulated accelerator; exists in tests only
};

/// Names one device of a machine, as in `devices = ["cpu:0", "cuda:1"]`.
struct device_id {
  device_kind kind{device_kind::cpu};
  int index{0}; ///< in [0, max_device_index]

  friend auto operator<=>(const device_id&, const device_id&) = default;
};

/// LibTorch counts devices in one signed byte.
inline constexpr int max_device_index = 127;

/// Reads "cpu:0", "cuda:3" or "sim:1"; whether it exists is check_device()'s
/// question.
///
/// @returns errc::invalid_argument for anything else, spaces, signs and leading
///   zeros included.
expected<device_id> parse_device(std::string_view text);

/// The inverse of parse_device().
std::string to_string(device_id id);

/// Where LibTorch puts this device's tensors. Every `cpu:K` is LibTorch's one
/// CPU (they differ in lanes and byte budgets only); `sim:K` is registered
/// under the HPU key, which no stock LibTorch implements.
c10::Device to_torch(device_id id) noexcept;

} // namespace posse
