#include "test/support/simulated_machine.hpp"
#include "test/support/simulated_pinned.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <array>
#include <chrono>
#include <memory>
#include <utility>

// What LibTorch's generic code asks of an accelerator: the current device and
// streams, events, whose memory an address is, and random numbers.

namespace posse::test {

namespace {

constexpr auto device_type = c10::DeviceType::HPU;

thread_local c10::DeviceIndex current_index = 0;
thread_local std::array<c10::StreamId, max_simulated_devices> current_ids{};

c10::StreamId& current_id(c10::Device device) {
  return current_ids.at(static_cast<std::size_t>(device.index()));
}

/// `device`, or the current one if it names none.
c10::Device named(c10::Device device) {
  return device.has_index() ? device : current_device();
}

c10::Stream stream_with(c10::StreamId id, c10::Device device) {
  return c10::Stream{c10::Stream::UNSAFE, device, id};
}

simulated_stream& stream_of(const c10::Stream& stream) {
  return unit_of(stream.device()).stream(stream.id());
}

// LibTorch keeps an event as a pointer; work that is queued keeps it too.
using event_pointer = std::shared_ptr<simulated_event>;

simulated_event& event_of(void* event) {
  return **static_cast<event_pointer*>(event);
}

class guard final : public c10::impl::DeviceGuardImplInterface {
public:
  c10::DeviceType type() const override { return device_type; }

  c10::Device exchangeDevice(c10::Device device) const override {
    auto before = current_device();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return current_device(); }
  void setDevice(c10::Device device) const override {
    if (device.has_index())
      current_index = unit_of(device).device.index();
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index())
      current_index = device.index();
  }
  c10::DeviceIndex deviceCount() const noexcept override {
    return static_cast<c10::DeviceIndex>(simulated_device_count());
  }
  void synchronizeDevice(c10::DeviceIndex index) const override {
    unit_at(index < 0 ? current_index : index).synchronize();
  }

  c10::Stream getStream(c10::Device device) const override {
    return stream_with(current_id(named(device)), named(device));
  }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return stream_with(0, named(device));
  }
  c10::Stream getNewStream(c10::Device device, int) const override {
    return stream_with(unit_of(named(device)).new_stream(), named(device));
  }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool) const override {
    return stream_with(unit_of(named(device)).pooled_stream(), named(device));
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    return stream_with(std::exchange(current_id(stream.device()), stream.id()),
                       stream.device());
  }
  void* getStreamNativeHandle(c10::Stream stream) const override {
    return &stream_of(stream);
  }
  bool queryStream(const c10::Stream& stream) const override {
    return stream_of(stream).idle();
  }
  void synchronizeStream(const c10::Stream& stream) const override {
    stream_of(stream).synchronize();
  }

  void record(void** event, const c10::Stream& stream, c10::DeviceIndex,
              c10::EventFlag) const override {
    if (*event == nullptr)
      *event = new event_pointer{std::make_shared<simulated_event>()};
    event_of(*event).record(stream_of(stream));
  }
  void block(void* event, const c10::Stream& stream) const override {
    event_of(event).block(stream_of(stream));
  }
  bool queryEvent(void* event) const override { return event_of(event).done(); }
  void synchronizeEvent(void* event) const override {
    event_of(event).synchronize();
  }
  double elapsedTime(void* first, void* last, c10::DeviceIndex) const override {
    return std::chrono::duration<double, std::milli>{event_of(last).time()
                                                     - event_of(first).time()}
        .count();
  }
  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<event_pointer*>(event);
  }
};

class hooks final : public at::HPUHooksInterface {
public:
  explicit hooks(at::HPUHooksArgs) {}

  void init() const override {}
  bool hasHPU() const override { return simulated_device_count() > 0; }
  bool isBuilt() const override { return hasHPU(); }
  bool isAvailable() const override { return hasHPU(); }
  bool hasPrimaryContext(c10::DeviceIndex index) const override {
    return index < simulated_device_count();
  }
  c10::DeviceIndex deviceCount() const override {
    return static_cast<c10::DeviceIndex>(simulated_device_count());
  }
  c10::DeviceIndex getCurrentDevice() const override { return current_index; }
  void setCurrentDevice(c10::DeviceIndex index) const override {
    exchangeDevice(index);
  }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex index) const override {
    return std::exchange(current_index, unit_at(index).device.index());
  }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex index) const override {
    return index < 0 ? current_index : exchangeDevice(index);
  }

  c10::Device getDeviceFromPtr(void* data) const override {
    const auto* unit = unit_that_owns(data);
    TORCH_CHECK(unit != nullptr, data, " is no simulated device's memory");
    return unit->device;
  }
  bool isPinnedPtr(const void* data) const override { return is_pinned(data); }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    return &pinned_allocator();
  }

  // The CPU's kernels compute, so the numbers come from the CPU's generator.
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
  at::Generator getNewGenerator(c10::DeviceIndex) const override {
    return at::detail::createCPUGenerator();
  }
};

} // namespace

simulated_stream& current_stream(simulated_unit& unit) {
  return unit.stream(current_id(unit.device));
}

c10::Device current_device() noexcept {
  return {device_type, current_index};
}

void register_guard() {
  c10::impl::registerDeviceGuard(device_type, new guard);
}

} // namespace posse::test

// When the program starts, since LibTorch keeps the first answer that it gets;
// until devices are registered the hooks say that there are none.
namespace at {
C10_REGISTER_CLASS(HPUHooksRegistry, HPUHooks, posse::test::hooks)
} // namespace at
