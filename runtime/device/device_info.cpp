#include "runtime/device/device_info.hpp"

#include "runtime/device/cuda/gpus.hpp"
#include "runtime/device/libtorch_cuda.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

namespace posse {

namespace {

/// The text after "KEY ... :" in one of Linux's /proc files; empty if absent.
std::string proc_value(const char* file, std::string_view key) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    auto colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos)
      continue;
    auto start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return {};
}

/// A line of /proc/meminfo, which counts in KiB; 0 if absent.
std::int64_t memory_bytes(std::string_view key) {
  auto text = proc_value("/proc/meminfo", key);
  return std::strtoll(text.c_str(), nullptr, 10) * 1024;
}

device_info describe_cpu() {
  return {.id = {device_kind::cpu, 0},
          .name = cpu_name(),
          .total_bytes = memory_bytes("MemTotal"),
          .free_bytes = memory_bytes("MemAvailable"),
          .units = static_cast<int>(std::thread::hardware_concurrency())};
}

tl::unexpected<failure> unavailable(device_id id, const std::string& why) {
  return fail(errc::device_unavailable, to_string(id) + ": " + why);
}

expected<void> check_count(device_id id, int count) {
  if (id.index < count)
    return {};
  return unavailable(id, "this machine has " + std::to_string(count)
                             + (count == 1 ? " such device" : " such devices"));
}

} // namespace

std::string cpu_name() {
  auto name = proc_value("/proc/cpuinfo", "model name");
  return name.empty() ? "CPU" : name;
}

std::vector<device_info> list_devices() {
  std::vector<device_info> devices{describe_cpu()};
  // Without CUDA there are none to list: not an error of this question.
  for (auto& gpu : cuda::list_gpus().value_or(std::vector<cuda::gpu_info>{}))
    devices.push_back({.id = {device_kind::cuda, gpu.index},
                       .name = std::move(gpu.name),
                       .total_bytes = gpu.memory.total_bytes,
                       .free_bytes = gpu.memory.free_bytes,
                       .units = gpu.multiprocessors});
  return devices;
}

expected<void> check_device(device_id id) {
  switch (id.kind) {
  case device_kind::cuda: {
    auto gpus = load_libtorch_cuda();
    if (!gpus)
      return unavailable(id, gpus.error().message);
    return check_count(id, *gpus);
  }
  case device_kind::sim: {
    auto type = to_torch(id).type();
    if (!c10::impl::hasDeviceGuardImpl(type))
      return unavailable(id, "simulated devices exist in tests only");
    return check_count(id, c10::impl::getDeviceGuardImpl(type)->deviceCount());
  }
  case device_kind::cpu:
    break;
  }
  return {};
}

} // namespace posse
